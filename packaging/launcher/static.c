/* The file for images without a libc: a static program that carries glibc and the other launcher.
 *
 * Both are copied to anonymous memory files, and glibc's loader is executed on them. The payload is not
 * copied: the launcher maps it from this file. The loader takes the C library by path, so it searches no
 * folder and ignores LD_LIBRARY_PATH. Where memory files cannot be executed or /proc is not mounted, the
 * parts go to a folder of their own in a safe folder (launcher.h), which the launcher removes before
 * Python starts. Only a process that is killed in the milliseconds between leaves that folder behind.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "launcher.h"
#include "memo.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

struct part {
    const char *name;
    const unsigned char *from, *to;
};

#define PART(label, name) extern const unsigned char label[], label##_end[];
#include "parts.h"
#undef PART

/* parts.h, written by the build: the loader, then glibc's libraries, then the launcher. */
static const struct part parts[] = {
#define PART(label, name) {name, label, label##_end},
#include "parts.h"
#undef PART
};
extern const unsigned char payload_inside[];
enum { COUNT = sizeof parts / sizeof *parts };

static int over_file_size_limit;

static int
write_out(int fd, const struct part *part)
{
    const unsigned char *at = part->from;
    while (at < part->to) {
        ssize_t written = write(fd, at, part->to - at);
        if (written < 0 && errno != EINTR) {
            over_file_size_limit = errno == EFBIG;
            return -1;
        }
        at += written > 0 ? written : 0;
    }
    return 0;
}

/* Execute the loader with the libraries to preload, the program and its arguments.
 *
 * All of glibc's libraries are preloaded: an extension module may need one of them later, when the
 * unpacked files are gone, and a loaded library satisfies that need. They are named by path, or by name
 * where there is a folder to search: a space in a path would end it. */
static void
execute(char paths[COUNT][PATH_MAX], const char *search, int argc, char **argv)
{
    static char preload[COUNT * PATH_MAX];
    char **command = calloc(argc + 10, sizeof *command);
    int n = 0;

    if (command == NULL) {
        return;
    }
    preload[0] = '\0'; /* an earlier attempt may have filled it */
    for (int i = 1; i < COUNT - 1; i++) {
        strcat(preload, search != NULL ? parts[i].name : paths[i]);
        strcat(preload, " ");
    }
    command[n++] = paths[0];
    command[n++] = "--argv0";
    command[n++] = argc > 0 ? argv[0] : PROGRAM;
    if (search != NULL) {
        command[n++] = "--library-path";
        command[n++] = (char *)search;
    }
    command[n++] = "--preload";
    command[n++] = preload;
    command[n++] = paths[COUNT - 1];
    for (int i = 1; i < argc; i++) {
        command[n++] = argv[i];
    }
    execv(paths[0], command);
    free(command);
}

static void
from_memory(int argc, char **argv)
{
    static char paths[COUNT][PATH_MAX];
    char unpacked[COUNT * 8] = "";
    int fds[COUNT], count = 0, failed = 0;

    for (; count < COUNT && !failed; count++) {
        /* Not close-on-exec: the loader opens them by path. The launcher closes them. */
        int fd = memfd_create(parts[count].name, MFD_EXEC);
        if (fd < 0) {
            fd = memfd_create(parts[count].name, 0);
        }
        fds[count] = fcntl(fd, F_DUPFD, STDERR_FILENO + 1);
        close(fd);
        if (fds[count] < 0) {
            break;
        }
        /* With "/./", because the loader identifies libraries by path: when the launcher has closed these
         * descriptors, the program's memory files get the same numbers. */
        snprintf(paths[count], PATH_MAX, "/proc/self/./fd/%d", fds[count]);
        sprintf(unpacked + strlen(unpacked), "%d ", fds[count]);
        failed = access(paths[count], F_OK) < 0 || write_out(fds[count], &parts[count]) < 0;
    }
    if (count == COUNT && !failed) {
        setenv(UNPACKED, unpacked, 1);
        execute(paths, NULL, argc, argv);
        unsetenv(UNPACKED);
    }
    while (count-- > 0) {
        close(fds[count]);
    }
}

static void
from_directory(const char *parent, int argc, char **argv)
{
    static char paths[COUNT][PATH_MAX];
    char directory[PATH_MAX];
    int count = 0;

    /* The loader would take the first two for the end of a path, the last for a variable. */
    if (strpbrk(parent, ":;$") != NULL ||
        snprintf(directory, sizeof directory, "%s/." PROGRAM "-XXXXXX", parent) > PATH_MAX - 64 ||
        mkdtemp(directory) == NULL) {
        return;
    }
    for (; count < COUNT; count++) {
        snprintf(paths[count], PATH_MAX, "%.*s/%s", PATH_MAX - 64, directory, parts[count].name);
        int fd = open(paths[count], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
        int failed = fd < 0 || write_out(fd, &parts[count]) < 0;
        if (fd >= 0) {
            failed |= close(fd) < 0;
        }
        if (failed) {
            break;
        }
    }
    if (count == COUNT) {
        setenv(UNPACKED, directory, 1);
        execute(paths, directory, argc, argv);
        unsetenv(UNPACKED);
    }
    for (int i = 0; i < COUNT; i++) {
        if (paths[i][0] != '\0') {
            unlink(paths[i]);
        }
    }
    rmdir(directory);
}

/* Pass the payload's offset in this file, computed from the program headers and its address in memory. */
static int
pass_payload(const char *own)
{
    const ElfW(Phdr) *header = (const ElfW(Phdr) *)getauxval(AT_PHDR);
    uintptr_t address = (uintptr_t)payload_inside;
    char place[64];
    int fd = open("/proc/self/exe", O_RDONLY);

    if (fd < 0) {
        fd = open(own, O_RDONLY);
    }
    for (unsigned long i = getauxval(AT_PHNUM); fd >= 0 && i-- > 0; header++) {
        if (header->p_type == PT_LOAD && address - header->p_vaddr < header->p_filesz) {
            long long offset = header->p_offset + (address - header->p_vaddr);
            int high = fcntl(fd, F_DUPFD, STDERR_FILENO + 1);
            close(fd);
            snprintf(place, sizeof place, "%d %lld", high, offset);
            return high < 0 ? -1 : setenv(PAYLOAD, place, 1);
        }
    }
    return -1;
}

int
main(int argc, char **argv)
{
    char own[PATH_MAX] = "";
    forbid_core_dumps();
    signal(SIGXFSZ, SIG_IGN); /* as Python has it: an error instead of the end */
    answer_from_memo(argc, argv, BUILD);
    const char *executed = (const char *)getauxval(AT_EXECFN);
    if (executed != NULL && realpath(executed, own) != NULL) {
        setenv(OWN_PATH, own, 1);
    }
    if (pass_payload(own) < 0) {
        fprintf(stderr, PROGRAM ": error: cannot read the file %s\n", own);
        return 1;
    }
    from_memory(argc, argv);

    const char *directories[] = {
        getenv("TMPDIR"), "/tmp", "/var/tmp", "/dev/shm", "/run", getenv("XDG_RUNTIME_DIR"), "/",
    };
    for (size_t i = 0; i < sizeof directories / sizeof *directories; i++) {
        char path[PATH_MAX];
        if (safe_folder(directories[i], path) != NULL) {
            from_directory(path, argc, argv);
        }
    }
    if (over_file_size_limit) {
        fail("a file would exceed the limit of file sizes", "internal.file-size-limit",
             "raise the limit: see ulimit -f");
    }
    fail("cannot start: memory files do not work here, and no folder can be used instead",
         "internal.cannot-start",
         "mount /proc, or set TMPDIR to a folder that only you can write to, on a file system that lets"
         " files be executed");
    return 1;
}
