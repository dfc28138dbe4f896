/* What the launchers and the tests call of memo.c. */
#include <sys/types.h>

void answer_from_memo(int argc, char **argv, const char *build);
ssize_t memo_reply(char *memo, const char *name, long long now_ms, char *reply, int *exit_status);
