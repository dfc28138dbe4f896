/* What the two launchers share. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROGRAM "docker-credential-multi"

/* The static launcher passes these variables to the other one, which removes them before Python starts:
 * the path of the file that the user started; the descriptor of that file and the payload's offset in it;
 * the descriptors to close or the folder to remove. */
#define OWN_PATH "_DOCKER_CREDENTIAL_MULTI_FILE"
#define PAYLOAD "_DOCKER_CREDENTIAL_MULTI_PAYLOAD"
#define UNPACKED "_DOCKER_CREDENTIAL_MULTI_UNPACKED"

/* A core dump would hold secrets. cli.py does this where these launchers do not. */
static inline void
forbid_core_dumps(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_CORE, &limit) == 0) {
        limit.rlim_cur = 0;
        setrlimit(RLIMIT_CORE, &limit);
    }
}

/* End with an error of cred_helper/messages/internal.py. The client reads the reason from standard output. */
static inline void
fail(const char *reason, const char *code, const char *hint)
{
    printf("%s\n", reason);
    fprintf(stderr, PROGRAM ": error: %s [%s]\n" PROGRAM ": hint: %s\n", reason, code, hint);
    exit(1);
}

/* The real path of a folder that libraries may be loaded from, in `path`; NULL if it is not safe.
 *
 * Safe: only root and this user can rename or replace what is in the folder and in the folders above it.
 * A relative path is not safe: it depends on where the client was started. */
static inline const char *
safe_folder(const char *folder, char path[PATH_MAX])
{
    char above[PATH_MAX];
    struct stat status;

    if (folder == NULL || folder[0] != '/' || realpath(folder, path) == NULL) {
        return NULL;
    }
    for (strcpy(above, path);;) {
        if (stat(above, &status) < 0 || !S_ISDIR(status.st_mode) ||
            (status.st_uid != 0 && status.st_uid != geteuid()) ||
            ((status.st_mode & (S_IWGRP | S_IWOTH)) && !(status.st_mode & S_ISVTX))) {
            return NULL;
        }
        if (above[1] == '\0') {
            return path;
        }
        char *slash = strrchr(above, '/');
        slash[slash == above] = '\0'; /* the root keeps its slash */
    }
}
