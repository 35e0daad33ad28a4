/* "who" and "status" of other machines, with --host: the same command there, by
 * ssh(1), which has the keys and knows the machines. One after the other. What
 * they print is others' text. */
#include "ctl.h"

#include <unistd.h>

#include "sallyport/base/execute.h"
#include "sallyport/base/harmless.h"

const char *hosts_ssh = "/usr/bin/ssh";

#define HOST_MS         30000
#define HOST_OUTPUT_MAX (4 << 20)
#define HOST_NAME       256
#define SSH_WORDS       16

/* Only root's path has these. */
#define ELSEWHERE "PATH=\"$PATH:/usr/local/sbin:/usr/sbin\""

/* A shell of the other machine reads the words. */
static bool host_is_plain(const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789._:@/[]%+-";

    return word[0] && word[0] != '-' && word[strspn(word, plain)] == '\0';
}

/* Returns the command's exit status there; 255: that of ssh itself, which has
 * printed why; -1: it was late or said too much. */
static int host_ask(const struct context *x, const char *host, char *out)
{
    const char *argv[SSH_WORDS] = { hosts_ssh,
                                    "-nT",
                                    "-oBatchMode=yes",
                                    "-oConnectTimeout=10",
                                    "-oControlMaster=no",
                                    "-oLogLevel=ERROR",
                                    "--",
                                    host,
                                    ELSEWHERE,
                                    "sallyportctl",
                                    x->args.word[0] };
    size_t n = 0;

    while (argv[n])
        n++;
    if (x->args.json)
        argv[n++] = "--json";
    if (x->args.config) {
        argv[n++] = "--config";
        argv[n++] = x->args.config;
    }
    return execute_program(argv, HOST_MS, out, HOST_OUTPUT_MAX);
}

/* The text without control characters, on standard output; or, of a machine
 * that has failed, on standard error. ssh's own lines end with CR LF. */
static void host_print(const char *host, char *text, bool failed)
{
    struct slice rest = slice_from(text), line;

    if (!failed)
        printf("==> %s\n", host);
    while (slice_cut(&rest, '\n', &line)) {
        if (line.len == 0 && !rest.ptr)
            break;
        line.len -= line.len > 0 && line.ptr[line.len - 1] == '\r';
        harmless_make(text + (line.ptr - text), line.len);
        if (failed)
            stderr_print("%s: %.*s", host, (int)line.len, line.ptr);
        else
            printf("%.*s\n", (int)line.len, line.ptr);
    }
}

/* ALL gets what HOST has said; null if it isn't JSON. */
static bool host_show(const struct context *x, const char *host, json_t *all)
{
    static char out[HOST_OUTPUT_MAX];
    int status = host_ask(x, host, out);

    if (status < 0)
        snprintf(out, sizeof(out), "no answer in time, or a too long one");
    else if (status > 0 && !out[0])
        snprintf(out, sizeof(out), "exit status %d", status);
    if (x->args.json) {
        json_t *said =
            status == 0 ? json_loads(out, JSON_REJECT_DUPLICATES, NULL) : NULL;

        if (!said && status == 0)
            status = EX_PROTOCOL;
        json_object_set_new(all, host, said ? said : json_null());
    }
    if (status || !x->args.json)
        host_print(host, out, status != 0);
    return status == 0;
}

/* Writes the next name into HOST. Returns 1; 0: that was the last one; -1: no
 * machine can have it. */
static int host_next(struct slice *rest, char host[HOST_NAME])
{
    struct slice one;

    if (!slice_cut(rest, ',', &one))
        return 0;
    if (one.len >= HOST_NAME)
        return -1;
    slice_copy(one, host, HOST_NAME);
    return host_is_plain(host) ? 1 : -1;
}

static int hosts_check(struct context *x)
{
    struct slice rest = slice_from(x->args.host);
    char host[HOST_NAME];
    int r;

    while ((r = host_next(&rest, host)) > 0)
        ;
    if (r < 0)
        return ctl_fail(x, EX_USAGE,
                        "--host %s: give names as ssh takes them, such as "
                        "root@a,root@b",
                        x->args.host);
    if (x->args.config && !host_is_plain(x->args.config))
        return ctl_fail(x, EX_USAGE,
                        "with --host the path of --config may have letters, "
                        "digits and . _ - / only");
    if (access(hosts_ssh, X_OK) < 0)
        return ctl_fail(x, EX_UNAVAILABLE,
                        "there is no %s here; install openssh-client",
                        hosts_ssh);
    return 0;
}

int hosts_show(struct context *x)
{
    struct slice rest = slice_from(x->args.host);
    char host[HOST_NAME];
    unsigned asked = 0, failed = 0;
    int code = hosts_check(x);

    if (code)
        return code;
    json_t *all = x->args.json ? json_object() : NULL;
    while (host_next(&rest, host) > 0) {
        asked++;
        failed += !host_show(x, host, all);
    }
    if (x->args.json)
        code = json_write(x, all);
    if (code == 0 && failed > 0)
        return ctl_fail(x, EX_UNAVAILABLE, "%u of %u machines have failed",
                        failed, asked);
    return code;
}
