/* "report": puts the counts of the log, how full disks and quotas are, and what
 * ends soon, into the page that is installed for it (etc/report.html). The page
 * shows them by a script of its own; this program makes no HTML. */
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "sallyport/base/fd.h"

#define PAGE_MAX (16 << 20)
#define PLACE    "@REPORT@" /* of the JSON, in the page */
#define ENDS_MAX 1000       /* a source may give all users the same end */
#define ASK_MS   5000 /* for the server; the page is made without it, too */

const char *report_html; /* NULL: the one that is installed */

static void add_disk(json_t *disks, const char *path)
{
    struct statvfs fs;

    if (disk_room(path, &fs) == 0)
        json_array_append_new(
            disks,
            json_pack("{s:o, s:I, s:I}", "name", json_text(path), "bytes_used",
                      (json_int_t)(fs.f_blocks - fs.f_bfree) *
                          (json_int_t)fs.f_frsize,
                      "bytes",
                      (json_int_t)fs.f_blocks * (json_int_t)fs.f_frsize));
}

static void add_end(json_t *ends, json_t *name, json_t *time)
{
    json_t *one = json_pack("{s:o, s:o}", "name", name, "time", time);

    if (json_array_size(ends) < ENDS_MAX)
        json_array_append(ends, one);
    json_decref(one);
}

/* Accounts that can log in, and of a running server the certificates. */
static void add_ends(struct context *x, json_t *ends)
{
    const int64_t days = 14;
    const int64_t now = time(NULL), soon = now + days * 86400;
    json_t *status, *one;
    size_t i;

    for (i = 0; i < x->users.count; i++) {
        const struct user *u = &x->users.row[i];

        if (!u->locked && u->expires > now && u->expires < soon)
            add_end(ends, json_text(u->name), json_time(u->expires));
    }
    x->patience = ASK_MS;
    if (status_read(x, &status) == 0)
        json_array_foreach(json_object_get(status, "certificates"), i, one)
        {
            const char *end = text_of(one, "expires", NULL);

            if (end && json_integer_value(json_object_get(one, "days")) < days)
                add_end(ends, json_text(text_of(one, "file", "certificate")),
                        json_text(end));
        }
    json_decref(status);
    x->complaint.text[0] = '\0'; /* there may be no server */
}

/* What is now, beside what the log says. Instead of the quotas there may
 * be a text: why they aren't known. */
static int add_present(struct context *x, json_t *all)
{
    const struct settings *s = &x->settings;
    struct complaint why = { .text = "" };
    char host[256] = "";
    json_t *disks = json_array(), *ends = json_array(), *quotas = NULL;

    add_disk(disks, s->homes);
    add_disk(disks, s->shares);
    if (edit_load_users(&x->users, s->users, NULL, &why) == 0)
        quotas = quota_list(x);
    add_ends(x, ends);
    gethostname(host, sizeof(host) - 1);
    return json_object_set_new(all, "host", json_text(host)) |
           json_object_set_new(all, "disks", disks) |
           json_object_set_new(all, "ends", ends) |
           json_object_set_new(all, "quotas",
                               quotas ? quotas : json_text(why.text));
}

/* Reads the page, which is beside this program's directory. */
static int read_html(struct context *x, struct buf *into)
{
    const char *path = report_html;
    char beside[PATH_MAX];
    int r;

    ctl_beside(SALLYPORT_PAGE, beside);
    if (!path)
        path = beside;
    FD_CLEANUP int fd = open(path, O_RDONLY | O_CLOEXEC);
    r = fd < 0 ? -errno : fd_read_file(fd, into);
    return r < 0 ? ctl_fail(x, EX_OSFILE, "%s: %s; install it again", path,
                            strerror(-r))
                 : 0;
}

/* Nothing in the JSON may end the script that it stands in. */
static int add_json(const json_t *all, struct buf *into)
{
    char *text = json_dumps(all, JSON_COMPACT);
    struct slice rest = slice_from(text), part;
    int r = text ? 0 : -ENOMEM;

    while (r == 0 && slice_cut(&rest, '<', &part)) {
        r = buf_add_slice(into, part);
        if (r == 0 && rest.ptr)
            r = buf_add_text(into, "\\u003c");
    }
    free(text);
    return r;
}

static int make_page(struct context *x, const json_t *all, struct buf *page)
{
    struct buf html;
    const char *place;
    int code, r = -EINVAL;

    buf_init(&html, PAGE_MAX);
    code = read_html(x, &html);
    place = code || html.len == 0
                ? NULL
                : memmem(html.data, html.len, PLACE, strlen(PLACE));
    if (place) {
        const size_t before = (size_t)(place - html.data);
        const size_t after = before + strlen(PLACE);

        r = buf_add(page, html.data, before);
        if (r == 0)
            r = add_json(all, page);
        if (r == 0)
            r = buf_add(page, html.data + after, html.len - after);
    }
    buf_release(&html);
    if (code == 0 && r < 0)
        code =
            ctl_fail(x, EX_OSERR, "the page can't be made: %s", strerror(-r));
    return code;
}

/* The new page gets the mode of the OLD one; NULL: a page has names and
 * addresses, so it is the caller's alone. */
static int replace_page(const char *path, struct slice page,
                        const struct stat *old)
{
    char temp[PATH_MAX];
    int r;

    if (snprintf(temp, sizeof(temp), "%s.%d", path, (int)getpid()) >=
        (int)sizeof(temp))
        return -ENAMETOOLONG;
    FD_CLEANUP int fd =
        open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    r = fd_write_all(fd, page.ptr, page.len);
    if (r == 0 && old && fchown(fd, old->st_uid, old->st_gid) == 0 &&
        fchmod(fd, old->st_mode & 0777) < 0)
        r = -errno;
    if (r == 0 && (fsync(fd) < 0 || rename(temp, path) < 0))
        r = -errno;
    if (r < 0)
        unlink(temp);
    return r;
}

/* The old page stays until the new one is complete. A link stays a link, and a
 * pipe, such as /dev/stdout, has no other name. */
static int write_file(const char *path, struct slice page)
{
    struct stat old;
    bool exists = stat(path, &old) == 0;
    char *real = exists && S_ISREG(old.st_mode) ? realpath(path, NULL) : NULL;
    int r;

    if (exists && !real) {
        FD_CLEANUP int fd = open(path, O_WRONLY | O_CLOEXEC);

        return fd < 0 ? -errno : fd_write_all(fd, page.ptr, page.len);
    }
    r = replace_page(real ? real : path, page, exists ? &old : NULL);
    free(real);
    return r;
}

static int write_page(struct context *x, struct slice page)
{
    const char *path = x->args.output;
    int r;

    if (!path || !strcmp(path, "-"))
        return fwrite(page.ptr, 1, page.len, stdout) == page.len
                   ? 0
                   : ctl_fail(x, EX_IOERR, "standard output: %s",
                              strerror(errno));
    r = write_file(path, page);
    return r < 0 ? ctl_fail(x, ctl_exit_of(-r), "%s: %s", path, strerror(-r))
                 : 0;
}

int report_make(struct context *x)
{
    struct buf page;
    json_t *all;
    int code = log_summarise(x, &all);

    if (code)
        return code;
    buf_init(&page, PAGE_MAX);
    code = add_present(x, all) ? ctl_no_memory(x) : make_page(x, all, &page);
    if (code == 0)
        code = write_page(x, buf_slice(&page));
    buf_release(&page);
    json_decref(all);
    return code;
}
