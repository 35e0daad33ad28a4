/* A directory with very many files: each entry appears once, and the memory of
 * the two processes that list it is bounded. 2,000 entries; 100,000 in the long
 * run. */
#include "support/files.h"
#include "support/long.h"
#include "support/processes.h"
#include "support/served.h"
#include "support/test.h"

#define GROWTH_MAX_KB 2048 /* between listings of ten entries and of all */

/* Makes names padded to at least WIDTH bytes. */
static void fill(const struct server *server, const char *folder, unsigned n,
                 int width)
{
    const char *path = server_home_file(server, "anna", folder);
    int dir;

    files_make_folder(path, 0755);
    files_give_to_owner_of(server_home(server, "anna"), path);
    dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert(dir >= 0);
    for (unsigned i = 0; i < n; i++) {
        char name[256];
        int fd;

        snprintf(name, sizeof(name), "%-*s, number %06u", width,
                 "a file among many", i);
        fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        cr_assert(fd >= 0, "%s", name);
        close(fd);
    }
    close(dir);
}

/* Checks that each of the N numbers occurs once, on a line of its own, and that
 * there are at most OTHERS other lines. */
static void check(const struct buf *got, unsigned n, unsigned others)
{
    unsigned char *seen = calloc(n, 1);
    char *text = strndup(got->data ? got->data : "", got->len), *rest = text;
    unsigned lines = 0;
    char *line;

    cr_assert(seen && text);
    while ((line = strsep(&rest, "\n")) != NULL) {
        const char *at = strstr(line, "number ");

        lines += *line != '\0';
        if (!at)
            continue;
        unsigned long i = strtoul(at + 7, NULL, 10);

        cr_assert(i < n && !seen[i], "twice or unknown: %s", line);
        cr_assert_eq(line[strlen(line) - 1], '\r', "no CR: %s", line);
        seen[i] = 1;
    }
    cr_assert(lines >= n && lines <= n + others, "%u lines for %u files", lines,
              n);
    cr_assert(!memchr(seen, 0, n), "a file is missing");
    free(text);
    free(seen);
}

static void list(struct session *s, const char *verb, const char *folder,
                 unsigned n)
{
    char command[64];
    struct buf got;

    buf_init(&got, 64u << 20);
    snprintf(command, sizeof(command), "%s %s", verb, folder);
    session_fetch(s, command, &got);
    check(&got, n, 2); /* MLSD may contain the directory and its parent */
    buf_release(&got);
}

static void list_all(struct session *s, const char *folder, unsigned n)
{
    list(s, "LIST", folder, n);
    list(s, "NLST", folder, n);
    list(s, "MLSD", folder, n);
}

SessionTest(listing, very_many, 300, PLAN(0))
{
    static struct processes p;
    unsigned n = is_long() ? 100000 : 2000;
    const struct process_row *row[2];
    uint64_t before[2];

    fill(server, "few", 10, 20);
    fill(server, "many", n, 20);
    list_all(s, "few", 10);
    processes_wait(server->pid, "sallyport: files", 1, &p);
    row[0] = processes_find(&p, "sallyport: session");
    row[1] = processes_find(&p, "sallyport: files");
    cr_assert(row[0] && row[1]);
    for (int i = 0; i < 2; i++)
        before[i] = process_number(row[i]->pid, "VmHWM");
    list_all(s, "many", n);
    for (int i = 0; i < 2; i++) {
        uint64_t after = process_number(row[i]->pid, "VmHWM");

        cr_log_info("%s: %llu kB, then %llu kB", row[i]->title,
                    (unsigned long long)before[i], (unsigned long long)after);
        /* not with the sanitizer, which keeps freed memory for a while */
        cr_assert(server_is_sanitized() || after <= before[i] + GROWTH_MAX_KB,
                  "%s grew from %llu to %llu kB", row[i]->title,
                  (unsigned long long)before[i], (unsigned long long)after);
    }
}

/* ABOR during a listing that is larger than all buffers on its way: files
 * notices the ABOR, and can list again. */
SessionTest(listing, aborted, 300, PLAN(0))
{
    enum { N = 20000 }; /* 5 MB; the kernel takes 3 MB of a connection */
    struct data d;

    fill(server, "many", N, 200);
    for (int i = 0; i < 3; i++) {
        data_open(s, &d, "LIST many");
        session_do(s, "426 {*}", "ABOR");
        session_expect(s, "226 {*}");
        data_cut(&d, false);
    }
    list(s, "NLST", "many", N);
}
