/* An answer before Python starts: packaging/docs/memo.md has the format of a memo and the questions.
 *
 * A memo names everything that an answer depended on. All of it is looked at again here: if one result
 * differs, or anything is not as expected, this returns, and Python starts as it does without a memo.
 * Standard input is not consumed until the answer is written, so there is nothing to hand over. Never
 * opens what is not a regular file or a folder, and writes nothing but the answer.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <time.h>

#include "launcher.h"
#include "memo.h"

/* As cred_helper/files/recording.py and cred_helper/cache/memo.py have them. A client that does not close
 * standard input within these milliseconds waits for Python's start, too. */
enum { MOST_REQUEST = 1 << 10, MOST_MEMO = 64 << 10, MOST_PRIVATE = 64 << 10, MOST_FILE = 256 << 10,
       CLOSED_WITHIN_MS = 250, DIGEST = 16 };

/* BLAKE2b of 128 bits, RFC 7693, on a little-endian machine. */
#define TURNED(word, bits) ((word) >> (bits) | (word) << (64 - (bits)))
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the words are little-endian");

struct hash {
    uint64_t state[8], count, used;
    unsigned char block[128];
};

static const uint64_t initial[8] = {
    0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
    0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
};
static const char order[] = "0123456789abcdefea489fd61c02b753b8c052fdae3671947931dcbe265a40f8"
                            "905724afe1bc683d2c6a0b834d75fe19c51fed4a0763928bdb7ec13950f4862a"
                            "6fe9b308c2d714a5a2847615fb9e3cd0";

static void
compress(struct hash *hash, int is_last)
{
    uint64_t v[16], m[16];
    if (hash->count == 0) {
        memcpy(hash->state, initial, sizeof initial);
        hash->state[0] ^= 0x01010000 ^ DIGEST;
    }
    memcpy(v, hash->state, sizeof initial);
    memcpy(v + 8, initial, sizeof initial);
    memcpy(m, hash->block, sizeof m);
    hash->count += hash->used;
    hash->used = 0;
    v[12] ^= hash->count;
    v[14] ^= is_last ? ~(uint64_t)0 : 0;
    for (int i = 0; i < 12 * 8; i++) {
        /* Of each round four columns, then four diagonals; each mixes in two words. */
        int turn = i % 8 / 4, column = i % 4;
        uint64_t *a = v + column, *b = v + 4 + (column + turn) % 4, *c = v + 8 + (column + 2 * turn) % 4,
                 *d = v + 12 + (column + 3 * turn) % 4;
        for (int half = 0; half < 2; half++) {
            char digit = order[(2 * i + half) % (sizeof order - 1)];
            *a += *b + m[digit <= '9' ? digit - '0' : digit - 'a' + 10];
            *d = TURNED(*d ^ *a, half ? 16 : 32);
            *c += *d;
            *b = TURNED(*b ^ *c, half ? 63 : 24);
        }
    }
    for (int i = 0; i < 8; i++) {
        hash->state[i] ^= v[i] ^ v[i + 8];
    }
}

static void
add(struct hash *hash, const void *bytes, size_t size)
{
    for (const unsigned char *from = bytes; size > 0; size--) {
        if (hash->used == sizeof hash->block) {
            compress(hash, 0);
        }
        hash->block[hash->used++] = *from++;
    }
}

/* A part behind its length, as files/fingerprints.py has it. It begins with a mark. */
static void
add_part(struct hash *hash, const char *mark, const void *bytes, size_t size)
{
    char length[32];
    add(hash, length, snprintf(length, sizeof length, "%zu:", strlen(mark) + size));
    add(hash, mark, strlen(mark));
    add(hash, bytes, size);
}

static void
end(struct hash *hash, char hexadecimal[2 * DIGEST + 1])
{
    memset(hash->block + hash->used, 0, sizeof hash->block - hash->used);
    compress(hash, 1);
    for (int i = 0; i < DIGEST; i++) {
        sprintf(hexadecimal + 2 * i, "%02x", ((unsigned char *)hash->state)[i]);
    }
}

/* Read to the end and close; -1 on an error, or where there is more than `most`. The buffer is larger. */
static ssize_t
read_all(int fd, char *buffer, size_t most)
{
    ssize_t got = 1, size = 0;
    for (; fd >= 0 && got > 0 && (size_t)size <= most; size += got) {
        got = read(fd, buffer + size, most + 1 - size);
    }
    if (fd < 0 || close(fd) < 0 || got < 0) {
        return -1;
    }
    errno = EFBIG;
    return (size_t)size <= most ? size : -1;
}

static int
is_private(const struct stat *status, mode_t type)
{
    mode_t bits = status->st_mode & (S_IFMT | S_IRWXG | S_IRWXO);
    return bits == type && status->st_uid == geteuid();
}

/* Open a file or folder that belongs to this user and is closed to others; -1 if it is something else. */
static int
open_private(int folder, const char *name, mode_t type)
{
    struct stat status;
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0 && (fstat(fd, &status) < 0 || !is_private(&status, type))) {
        close(fd);
        return -1;
    }
    return fd;
}

/* The content of such a file in such a folder; -1 if there is none. */
static ssize_t
read_private(const char *folder, const char *name, char *buffer, size_t most)
{
    int above = open_private(AT_FDCWD, folder, S_IFDIR);
    ssize_t size = above < 0 ? -1 : read_all(open_private(above, name, S_IFREG), buffer, most);
    close(above);
    return size;
}

/* The folder of the memos: as cache.default_folder has it. */
static int
find_folder(char path[PATH_MAX])
{
    struct stat status;
    const char *runtime = getenv("XDG_RUNTIME_DIR"), *place = getenv("XDG_CACHE_HOME"), *within = "";
    if (runtime && runtime[0] == '/' && stat(runtime, &status) == 0 && is_private(&status, S_IFDIR)) {
        place = runtime;
    } else if (place == NULL || place[0] != '/') {
        place = getenv("HOME");
        within = "/.cache";
    }
    return place && place[0] == '/' &&
           snprintf(path, PATH_MAX, "%s%s/" PROGRAM, place, within) < PATH_MAX;
}

/* Ask a question and add its result; 0 if it has none. The private file with the token stays in `token`. */
static int
ask(struct hash *results, char kind, const char *subject, char *token, ssize_t *token_size)
{
    static char content[MOST_FILE + 1];
    char text[PATH_MAX] = "", *found = text; /* NULL if it is absent */
    struct stat status;
    struct utsname names;
    ssize_t size = -1, count = 0; /* -1 for the size of a text */
    switch (kind) {
    case 'V': /* the value of a variable */
        found = getenv(subject);
        break;
    case 'P': /* how many variables begin with a text */
    case 'Q': /* or end with it */
        for (char **variable = environ; *variable; variable++) {
            size_t length = strlen(subject), name = strcspn(*variable, "=");
            count += length <= name &&
                     memcmp(*variable + (kind == 'P' ? 0 : name - length), subject, length) == 0;
        }
        snprintf(text, sizeof text, "%zd", count);
        break;
    case 'S': /* the type, mode and owner of a file, or the error */
    case 'F': /* the content of a file, or the error */
        size = stat(subject, &status);
        if (size == 0 && kind == 'S') {
            size = snprintf(text, sizeof text, "%o %u", status.st_mode, status.st_uid);
        } else if (size == 0) {
            if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) {
                return 0; /* opening it could change it */
            }
            found = content;
            size = read_all(open(subject, O_RDONLY | O_NONBLOCK | O_CLOEXEC), content, MOST_FILE);
        }
        if (size < 0) {
            add_part(results, "-", text, snprintf(text, sizeof text, "%d", errno));
            return 1;
        }
        break;
    case 'E': /* the content of a file in a private folder */
    case 'T': /* the same, with the token */
        if (strlen(subject) >= sizeof text || strchr(subject, '/') == NULL) {
            return 0;
        }
        strcpy(text, subject);
        *strrchr(text, '/') = '\0';
        found = kind == 'T' ? token : content;
        size = read_private(text, strrchr(subject, '/') + 1, found, MOST_PRIVATE);
        *token_size = kind == 'T' ? size : *token_size;
        found = size < 0 ? NULL : found;
        break;
    case 'X': /* whether a file can be executed */
        size = stat(subject, &status) < 0 || !S_ISREG(status.st_mode) ? -1 : access(subject, X_OK);
        found = size < 0 ? NULL : found;
        break;
    case 'R': /* the path of a file without symbolic links */
        found = realpath(subject, text);
        break;
    case 'N': /* the name of the machine */
        found = uname(&names) < 0 ? NULL : names.nodename;
        break;
    default:
        return 0;
    }
    size = found && size < 0 ? (ssize_t)strlen(found) : size;
    add_part(results, found ? "=" : "-", found, found ? size : 0);
    return 1;
}

/* The next line, which ends with a NUL in place of its line end; NULL if there is none. */
static char *
next_line(char **at)
{
    char *start = *at, *stop = strchr(start, '\n');
    if (stop) {
        *stop = '\0';
        *at = stop + 1;
    }
    return stop ? start : NULL;
}

/* Make the reply and the exit status of a memo; the size of the reply, or 0 if the memo does not answer. */
ssize_t
memo_reply(char *memo, const char *name, long long now_ms, char *reply, int *exit_status)
{
    static char token[MOST_PRIVATE + 1];
    char digest[2 * DIGEST + 1], ids[64], *at = memo;
    struct hash hash = {0};
    ssize_t token_size = 0;
    long long since_ms, until_ms;
    size_t from, length;
    next_line(&at); /* the title, for people */
    char *times = next_line(&at), *place = next_line(&at), *head = next_line(&at), *tail = next_line(&at);
    if (tail == NULL || sscanf(times, "%lld %lld %d", &since_ms, &until_ms, exit_status) != 3 ||
        now_ms < since_ms || now_ms >= until_ms || sscanf(place, "%zu %zu", &from, &length) != 2) {
        return 0;
    }
    add_part(&hash, "", name, strlen(name));
    add_part(&hash, "", memo, at - memo);
    add_part(&hash, "=", ids, snprintf(ids, sizeof ids, "%u %u", getuid(), geteuid()));
    char *question = next_line(&at);
    for (; question && question[0] && question[1] == ' '; question = next_line(&at)) {
        add_part(&hash, "", question, strlen(question));
        if (!ask(&hash, question[0], question + 2, token, &token_size)) {
            return 0;
        }
    }
    end(&hash, digest); /* is the last line */
    if (question == NULL || strcmp(question, digest) != 0 || token_size < 0 ||
        from > (size_t)token_size || length > (size_t)token_size - from) {
        return 0;
    }
    return sprintf(reply, "%s%.*s%s\n", head, (int)length, token + from, tail);
}

/* Copy all of standard input without consuming it; 0 if that is not possible now, or it is too much. */
static ssize_t
peek(char *request)
{
    struct stat status;
    struct pollfd input = {.fd = 0, .events = POLLRDHUP};
    int waiting, ends[2];
    ssize_t size = 0;
    mode_t type = fstat(0, &status) < 0 ? 0 : status.st_mode & S_IFMT;
    if (type == S_IFREG) {
        size = pread(0, request, MOST_REQUEST + 1, lseek(0, 0, SEEK_CUR));
        return size <= MOST_REQUEST ? size : 0;
    }
    /* Only what is closed is whole. A terminal is not asked: it would be waited for. */
    if ((type != S_IFIFO && type != S_IFSOCK) || poll(&input, 1, CLOSED_WITHIN_MS) != 1 ||
        !(input.revents & (POLLHUP | POLLRDHUP)) || ioctl(0, FIONREAD, &waiting) < 0 ||
        waiting > MOST_REQUEST) {
        return 0;
    }
    if (type == S_IFSOCK) {
        size = recv(0, request, MOST_REQUEST, MSG_PEEK | MSG_DONTWAIT);
    } else if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0) {
        size = tee(0, ends[1], MOST_REQUEST, SPLICE_F_NONBLOCK);
        size = size == waiting ? read(ends[0], request, MOST_REQUEST) : 0;
        close(ends[0]);
        close(ends[1]);
    }
    return size == waiting ? size : 0;
}

/* Answer a `get` and end the process, if there is a memo that still holds; else return. */
void
answer_from_memo(int argc, char **argv, const char *build)
{
    static char request[MOST_REQUEST + 1], memo[MOST_MEMO + 1], reply[MOST_MEMO + MOST_PRIVATE + 2];
    char folder[PATH_MAX], name[2 * DIGEST + sizeof ".memo"];
    struct hash hash = {0};
    struct timespec now = {0};
    ssize_t asked, size;
    int exit_status;
    if (argc != 2 || strcmp(argv[1], "get") != 0 || getauxval(AT_SECURE) || fcntl(1, F_GETFD) < 0 ||
        !find_folder(folder) || (asked = peek(request)) <= 0) {
        return;
    }
    add_part(&hash, "", build, strlen(build));
    add_part(&hash, "", argv[0], strlen(argv[0]));
    add_part(&hash, "", argv[1], strlen(argv[1]));
    add_part(&hash, "", request, asked);
    end(&hash, name);
    strcat(name, ".memo");
    if (read_private(folder, name, memo, MOST_MEMO) < 0) {
        return;
    }
    clock_gettime(CLOCK_REALTIME, &now);
    size = memo_reply(memo, name, now.tv_sec * 1000LL + now.tv_nsec / 1000000, reply, &exit_status);
    signal(SIGPIPE, SIG_IGN), signal(SIGXFSZ, SIG_IGN); /* as Python has them */
    for (ssize_t written, done = 0; size > 0; done += written) {
        written = write(1, reply + done, size - done);
        if (written < 0 && done == 0) {
            return; /* Python tries again, and says why */
        }
        if (written < 0 || done + written == size) {
            _exit(written < 0 || read(0, request, asked) < 0 ? 1 : exit_status);
        }
    }
}
