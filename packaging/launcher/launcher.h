/* What the two launchers agree on. */
#define PROGRAM "docker-credential-multi"

/* The static launcher tells the real one which file the user started, and which directory to remove
 * where it had to unpack into one. Both variables are gone before Python starts. */
#define HANDED_ON "_DOCKER_CREDENTIAL_MULTI_FILE"
#define UNPACKED "_DOCKER_CREDENTIAL_MULTI_UNPACKED"
