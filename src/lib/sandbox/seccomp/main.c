/* The program "policies" of the build. It writes the filter of each process as
 * C code, to filter_NAME.c in the directory that its argument names, so that no
 * program of the server contains a compiler of filters. */
#include <errno.h>
#include <linux/filter.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "compile.h"
#include "sallyport/base/complain.h"

static void compile_for(enum process p, const char *directory)
{
    struct buf program;
    const char *name = process_name(p);
    int r;

    buf_init(&program, BPF_MAXINSNS * sizeof(struct sock_filter));
    r = compile_policy(policy_of(p), &program);
    if (r < 0)
        die(EX_SOFTWARE, "the policy of %s: %s", name, strerror(-r));
    char path[4096];
    FILE *out;

    snprintf(path, sizeof(path), "%s/filter_%s.c", directory, name);
    out = fopen(path, "we");
    if (!out)
        die(EX_CANTCREAT, "%s: %s", path, strerror(errno));
    const struct sock_filter *code = (const void *)program.data;

    fputs("/* Written by the build, from the policies in src. */\n"
          "static const struct sock_filter code[] = {\n",
          out);
    for (size_t i = 0; i < program.len / sizeof(*code); i++)
        fprintf(out, "    { 0x%02x, %u, %u, 0x%x },\n", code[i].code,
                code[i].jt, code[i].jf, code[i].k);
    fprintf(out,
            "};\n\nconst struct sandbox_filter filter_%s = { code, %zu };\n",
            name, program.len / sizeof(*code));
    if (fclose(out) != 0)
        die(EX_IOERR, "%s: %s", path, strerror(errno));
    buf_release(&program);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        die(EX_USAGE, "expected a directory");
    for (int p = 0; p < PROCESS_SANDBOXED; p++)
        compile_for((enum process)p, argv[1]);
    return 0;
}
