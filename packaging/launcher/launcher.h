/* What the two launchers agree on. */
#define PROGRAM "docker-credential-multi"

/* The static launcher tells the real one which file the user started, where in it the payload is, and
 * what to close or remove of what it unpacked. These variables are gone before Python starts. */
#define HANDED_ON "_DOCKER_CREDENTIAL_MULTI_FILE"
#define PAYLOAD "_DOCKER_CREDENTIAL_MULTI_PAYLOAD" /* descriptor, offset, size */
#define UNPACKED "_DOCKER_CREDENTIAL_MULTI_UNPACKED"
