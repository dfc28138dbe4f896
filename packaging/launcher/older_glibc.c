/* Functions that Python and the libraries take from a newer glibc than the oldest one that the file runs
 * on. The launcher exports them, and freeze/older_glibc.py points the libraries to them. Everything else
 * has an older version in every glibc.
 *
 * The names that are given as strings are those of glibc: its headers redirect the plain ones.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <link.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "older_glibc.h"

#define EXPORTED __attribute__((visibility("default")))
#define HERE (-100)    /* AT_FDCWD */
#define NO_FOLLOW 0x100 /* AT_SYMLINK_NOFOLLOW */

/* glibc 2.33: before, these were in the part of glibc that is linked into programs. */
#define STAT(stat, lstat, fstat, fstatat)                                                              \
    EXPORTED int stat(const char *path, void *out)                                                     \
    {                                                                                                  \
        return (int)syscall(SYS_newfstatat, HERE, path, out, 0);                                       \
    }                                                                                                  \
    EXPORTED int lstat(const char *path, void *out)                                                    \
    {                                                                                                  \
        return (int)syscall(SYS_newfstatat, HERE, path, out, NO_FOLLOW);                               \
    }                                                                                                  \
    EXPORTED int fstat(int fd, void *out)                                                              \
    {                                                                                                  \
        return (int)syscall(SYS_fstat, fd, out);                                                       \
    }                                                                                                  \
    EXPORTED int fstatat(int folder, const char *path, void *out, int flags)                           \
    {                                                                                                  \
        return (int)syscall(SYS_newfstatat, folder, path, out, flags);                                 \
    }
STAT(stat, lstat, fstat, fstatat)
STAT(stat64, lstat64, fstat64, fstatat64)

EXPORTED int
mknodat(int folder, const char *path, unsigned mode, unsigned long device)
{
    return (int)syscall(SYS_mknodat, folder, path, mode, (unsigned)device);
}

EXPORTED int
mknod(const char *path, unsigned mode, unsigned long device)
{
    return mknodat(HERE, path, mode, device);
}

/* glibc 2.30 */
EXPORTED int
gettid(void)
{
    return (int)syscall(SYS_gettid);
}

/* glibc 2.30. An older one has the clock of the day only: a change of it changes how long this waits. */
EXPORTED int
sem_clockwait(sem_t *semaphore, clockid_t clock, const struct timespec *until)
{
    int (*own)(sem_t *, clockid_t, const struct timespec *);
    struct timespec now, end;

    *(void **)&own = dlsym(RTLD_NEXT, "sem_clockwait");
    if (own != NULL) {
        return own(semaphore, clock, until);
    }
    if (clock_gettime(clock, &now) < 0 || clock_gettime(CLOCK_REALTIME, &end) < 0) {
        return -1;
    }
    end.tv_sec += until->tv_sec - now.tv_sec;
    end.tv_nsec += until->tv_nsec - now.tv_nsec;
    if (end.tv_nsec < 0) {
        end.tv_sec--;
        end.tv_nsec += 1000000000;
    } else if (end.tv_nsec >= 1000000000) {
        end.tv_sec++;
        end.tv_nsec -= 1000000000;
    }
    return sem_timedwait(semaphore, &end);
}

/* glibc 2.34. Python closes one descriptor after the other where the kernel has no such call. */
EXPORTED int
close_range(unsigned first, unsigned last, int flags)
{
    return (int)syscall(436, first, last, flags);
}

EXPORTED void
closefrom(int first)
{
    if (close_range((unsigned)first, ~0U, 0) < 0) {
        for (long fd = first, end = sysconf(_SC_OPEN_MAX); fd < end; fd++) {
            close((int)fd);
        }
    }
}

EXPORTED int
posix_spawn_file_actions_addclosefrom_np(void *actions, int first)
{
    (void)actions, (void)first;
    return ENOSYS;
}

/* In libutil before glibc 2.34: no terminal is opened here. */
#define NO_TERMINAL(name)                                                                              \
    EXPORTED int name(void)                                                                            \
    {                                                                                                  \
        errno = ENOSYS;                                                                                \
        return -1;                                                                                     \
    }
NO_TERMINAL(openpty)
NO_TERMINAL(forkpty)
NO_TERMINAL(login_tty)

/* glibc 2.36 */
EXPORTED void
arc4random_buf(void *out, size_t size)
{
    for (char *at = out, *end = at + size; at < end;) {
        long got = syscall(SYS_getrandom, at, (size_t)(end - at), 0);
        if (got < 0 && errno != EINTR) {
            __builtin_trap(); /* what glibc does too: a number that is not random would be worse */
        }
        at += got > 0 ? got : 0;
    }
}

EXPORTED uint32_t
arc4random(void)
{
    uint32_t number;
    arc4random_buf(&number, sizeof number);
    return number;
}

/* glibc 2.38: the same as before, and numbers like 0b101, which an older glibc does not read. */
#define NUMBER(type, name, character)                                                                  \
    extern type older_##name(const character *, character **, int) __asm__(#name);                     \
    EXPORTED type __isoc23_##name(const character *text, character **end, int base)                    \
    {                                                                                                  \
        return older_##name(text, end, base);                                                          \
    }
NUMBER(long, strtol, char)
NUMBER(unsigned long, strtoul, char)
NUMBER(long long, strtoll, char)
NUMBER(unsigned long long, strtoull, char)
NUMBER(long, wcstol, wchar_t)

extern int older_vsscanf(const char *, const char *, va_list) __asm__("__isoc99_vsscanf");
EXPORTED int
__isoc23_sscanf(const char *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int found = older_vsscanf(text, format, arguments);
    va_end(arguments);
    return found;
}

/* glibc 2.35. The unwinder of libgcc finds the frames of a loaded file with it. */
struct found {
    unsigned long long flags;
    const char *start, *end;
    const void *link_map, *frames;
    unsigned long long reserved[7];
};
struct sought {
    const char *address;
    struct found *found;
};

static int
look_into(struct dl_phdr_info *file, size_t size, void *argument)
{
    struct sought *sought = argument;
    const char *start = NULL, *end = NULL, *frames = NULL;
    int inside = 0;

    (void)size;
    for (int i = 0; i < file->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &file->dlpi_phdr[i];
        const char *at = (const char *)(file->dlpi_addr + part->p_vaddr);
        if (part->p_type == PT_GNU_EH_FRAME) {
            frames = at;
        } else if (part->p_type == PT_LOAD) {
            start = start == NULL ? at : start;
            end = at + part->p_memsz;
            inside |= sought->address >= at && sought->address < end;
        }
    }
    if (inside && frames != NULL) {
        *sought->found = (struct found){.start = start, .end = end, .frames = frames};
        return 1;
    }
    return 0;
}

EXPORTED int find_object(void *, void *) __asm__("_dl_find_object");
int
find_object(void *address, void *found)
{
    struct sought sought = {address, found};
    int (*own)(void *, void *);

    *(void **)&own = dlsym(RTLD_NEXT, "_dl_find_object");
    if (own != NULL) {
        return own(address, found);
    }
    return dl_iterate_phdr(look_into, &sought) ? 0 : -1;
}

/* Before glibc 2.34 the linked-in part of glibc ran the constructors of a program, after that the shared
 * one does. A program of a newer linker runs its own on the older one. */
static int constructed;

__attribute__((constructor)) static void
note(void)
{
    constructed = 1;
}

void
run_constructors(int argc, char **argv)
{
    typedef void (*constructor)(int, char **, char **);
    extern const constructor __init_array_start[], __init_array_end[];
    extern char **environ;

    if (!constructed) {
        for (const constructor *each = __init_array_start; each < __init_array_end; each++) {
            (*each)(argc, argv, environ);
        }
    }
}
