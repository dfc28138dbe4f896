/* memo.c by itself: the launcher without Python. Exit status 99: there is no answer.
 *
 *   driver get                       what the launcher does
 *   driver reply NAME MILLISECONDS   the reply of the memo on standard input, at that time
 *   driver fuzz NAME COUNT           memos made of the one on standard input by random changes
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memo.h"

enum { MOST = 64 << 10, SILENT = 99 };

static unsigned long long state = 88172645463325252ull;

static unsigned
drawn(unsigned below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % below;
}

/* A change of one to four places: a byte, a piece that is cut, doubled or moved, or a number. */
static size_t
changed(char *memo, size_t size)
{
    for (unsigned changes = 1 + drawn(4); changes-- && size > 1;) {
        size_t at = drawn(size), length = 1 + drawn(size - at > 40 ? 40 : size - at);
        switch (drawn(6)) {
        case 0: memo[at] = drawn(256); break;
        case 1: memo[at] = "\n \0/9-"[drawn(6)]; break;
        case 2: memmove(memo + at, memo + at + length, size - at - length); size -= length; break;
        case 3: if (size + length <= MOST) { memmove(memo + at + length, memo + at, size - at); size += length; } break;
        case 4: size = at; break;
        case 5: memo[at] = "VPQSFETXRN"[drawn(10)]; break;
        }
    }
    return size;
}

int
main(int argc, char **argv)
{
    static char seed[MOST + 1], reply[2 * MOST + 2];
    int status = 0;

    if (argc < 4) {
        answer_from_memo(argc, argv, BUILD);
        return SILENT;
    }
    size_t size = fread(seed, 1, MOST, stdin);
    if (strcmp(argv[1], "reply") == 0) {
        ssize_t got = memo_reply(seed, argv[2], atoll(argv[3]), reply, &status);
        fwrite(reply, 1, got, stdout);
        return got ? status : SILENT;
    }
    unsigned answered = 0;
    for (long i = 0; i < atol(argv[3]); i++) {
        /* Of its exact size, so that a byte behind it is noticed. */
        char *copy = malloc(MOST + 1);
        memcpy(copy, seed, size);
        size_t length = changed(copy, size);
        copy[length] = '\0';
        copy = realloc(copy, length + 1);
        answered += memo_reply(copy, argv[2], 1, reply, &status) > 0;
        free(copy);
    }
    printf("%u\n", answered);
    return 0;
}
