/* Run this program's constructors, unless glibc did. */
void run_constructors(int argc, char **argv);
