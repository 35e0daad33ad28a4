/* Criterion uses libgit2 to compare long texts, which no test here does. The
 * start of that library reads all certificates of the machine in each test's
 * process. */
int git_libgit2_init(void);
int git_libgit2_shutdown(void);
int git_diff_buffers(void);

int git_libgit2_init(void)
{
    return 1;
}

int git_libgit2_shutdown(void)
{
    return 0;
}

int git_diff_buffers(void)
{
    return -1;
}
