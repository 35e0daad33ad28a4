/* Judges includes. It understands one form, an include alone in its line, and
 * reports every other form, since it can't judge what it can't read. */
#include "matrix.h"

#include <ctype.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "source_tree.h"

#define LINE_MAX_BYTES 4096
#define NOBODY         SIZE_MAX

struct check {
    const struct matrix *m;
    size_t faults;
    bool edge[MATRIX_ROOMS_MAX][MATRIX_ROOMS_MAX]; /* permitted, and used */
    bool seen[MATRIX_ROOMS_MAX];                   /* its directory exists */
    /* The include under judgement. */
    const char *path;
    size_t line;
    size_t from; /* the row of the file's room or sub-room */
};

__attribute__((format(printf, 2, 3))) static void
report_fault(struct check *x, const char *format, ...)
{
    char what[PATH_MAX], text[PATH_MAX + 64];
    va_list args;

    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    if (x->line > 0)
        snprintf(text, sizeof(text), "%s:%zu: %s", x->path, x->line, what);
    else
        snprintf(text, sizeof(text), "%s", what);
    x->faults++;
    x->m->report(text);
}

bool matrix_has_word(const char *list, const char *word, size_t len)
{
    for (size_t n; *list; list += n + (list[n] == ' ')) {
        n = strcspn(list, " ");
        if (n == len && strncmp(list, word, len) == 0)
            return true;
    }
    return false;
}

/* Is HEADER one of the words of LIST, or in a directory ("openssl/") of
 * LIST? */
static bool has_header(const char *list, const char *header)
{
    for (size_t n; *list; list += n + (list[n] == ' ')) {
        n = strcspn(list, " ");
        if (n == 0)
            continue;
        if (list[n - 1] == '/'
                ? strncmp(list, header, n) == 0 && header[n]
                : n == strlen(header) && strncmp(list, header, n) == 0)
            return true;
    }
    return false;
}

/* Returns the row of "master/start", by the first LEN bytes of NAME. */
static size_t find_row(const struct matrix *m, const char *name, size_t len)
{
    for (size_t i = 0; i < m->room_count; i++)
        if (strlen(m->rooms[i].name) == len &&
            strncmp(m->rooms[i].name, name, len) == 0)
            return i;
    return NOBODY;
}

/* Returns the row of a sub-room's room; for a room, its own row. */
static size_t parent_row(const struct matrix *m, size_t row)
{
    const char *name = m->rooms[row].name;

    return find_row(m, name, strcspn(name, "/"));
}

static bool row_permits(const struct check *x, const char *word, size_t len)
{
    size_t parent = parent_row(x->m, x->from);

    return matrix_has_word(x->m->rooms[x->from].uses, word, len) ||
           (parent != NOBODY &&
            matrix_has_word(x->m->rooms[parent].uses, word, len));
}

static bool is_there(const struct check *x, const char *path)
{
    char whole[4 * PATH_MAX];

    snprintf(whole, sizeof(whole), "%s/%s", x->m->root, path);
    return access(whole, R_OK) == 0;
}

/* Headers of libc and of the kernel, which every room may include. */
static const char system_headers[] =
    "arpa/inet.h assert.h ctype.h dirent.h errno.h fcntl.h fnmatch.h getopt.h "
    "glob.h grp.h inttypes.h limits.h net/if.h netdb.h netinet/in.h "
    "netinet/tcp.h poll.h pthread.h pwd.h sched.h signal.h spawn.h stdalign.h "
    "stdarg.h stdatomic.h stdbool.h stddef.h stdint.h stdio.h stdlib.h "
    "stdnoreturn.h string.h strings.h sysexits.h syslog.h termios.h time.h "
    "ucontext.h unistd.h sys/ linux/";

static bool in_its_file(const struct check *x, const char *header)
{
    const char *name = strrchr(x->path, '/') + 1;
    const char *room = x->m->rooms[x->from].name;
    bool held = false;

    for (size_t i = 0; i < x->m->file_count; i++) {
        const struct matrix_file *f = &x->m->files[i];

        if (strcmp(f->room, room) != 0 || !has_header(f->header, header))
            continue;
        if (strcmp(f->file, name) == 0)
            return true;
        held = true;
    }
    return !held;
}

static void judge_library(struct check *x, const char *header)
{
    const struct matrix_room *rooms = x->m->rooms;
    size_t parent = parent_row(x->m, x->from);

    if (has_header(system_headers, header))
        return;
    if (has_header(rooms[x->from].libraries, header) ||
        (parent != NOBODY && has_header(rooms[parent].libraries, header))) {
        if (!in_its_file(x, header))
            report_fault(x, "<%s> belongs in another file of %s", header,
                         rooms[x->from].name);
        return;
    }
    report_fault(x, "%s may not include <%s>", rooms[x->from].name, header);
}

/* Judges "sallyport/ROOM/NAME.h", after the first slash. */
static void judge_public(struct check *x, const char *header)
{
    size_t len = strcspn(header, "/"), to = find_row(x->m, header, len);
    char path[PATH_MAX];

    snprintf(path, sizeof(path), "include/sallyport/%s", header);
    if (to == NOBODY || header[len] != '/' || strchr(header + len + 1, '/') ||
        !is_there(x, path)) {
        report_fault(x, "there is no public header %s", header);
        return;
    }
    if (to != x->from && to != parent_row(x->m, x->from) &&
        !row_permits(x, header, len) && !row_permits(x, header, strlen(header)))
        report_fault(x, "%s may not include %s", x->m->rooms[x->from].name,
                     header);
    else
        x->edge[x->from][to] = true;
}

/* Judges "NAME.h" beside the file, or "NAME.h" or "SUB/NAME.h" from the
 * directory of the room, in the compiler's order. */
static void judge_own(struct check *x, const char *header)
{
    const struct matrix_room *rooms = x->m->rooms;
    const char *slash = strrchr(header, '/'), *name = rooms[x->from].name;
    char path[3 * PATH_MAX], directory[PATH_MAX];
    size_t to;

    if (strncmp(x->path, "include/", 8) == 0) {
        report_fault(x, "a public header includes only public ones, not \"%s\"",
                     header);
        return;
    }
    snprintf(path, sizeof(path), "src/%s/%s", name, header);
    if (!slash && is_there(x, path))
        return;
    snprintf(directory, sizeof(directory), "%.*s%s%.*s",
             (int)strcspn(name, "/"), name, slash ? "/" : "",
             slash ? (int)(slash - header) : 0, header);
    to = find_row(x->m, directory, strlen(directory));
    snprintf(path, sizeof(path), "src/%s/%s", directory,
             slash ? slash + 1 : header);
    if (to == NOBODY || !is_there(x, path)) {
        report_fault(x, "\"%s\" isn't in %s", header, name);
        return;
    }
    if (to != x->from &&
        !matrix_has_word(rooms[x->from].uses, directory, strlen(directory)))
        report_fault(x, "%s may not include \"%s\"", name, header);
    else
        x->edge[x->from][to] = true;
}

/* Looks after "#", over blanks and comments: is there "include" or "import", or
 * a line end that could hide it? */
static bool looks_like_include(const char *after)
{
    const char *end;

    for (;;) {
        after += strspn(after, " \t\v\f");
        if (strncmp(after, "/*", 2) != 0)
            break;
        end = strstr(after + 2, "*/");
        if (!end)
            return true;
        after = end + 2;
    }
    if (strncmp(after, "include", 7) == 0 || strncmp(after, "import", 6) == 0)
        return true;
    while (islower((unsigned char)*after))
        after++;
    return after[0] == '\\' && after[1] == '\n';
}

static bool has_include(const char *line)
{
    static const char *const signs[] = { "#", "%:", "?\?=" };

    for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
        for (const char *at = line; (at = strstr(at, signs[i]));) {
            at += strlen(signs[i]);
            if (looks_like_include(at))
                return true;
        }
    return false;
}

/* Reads exactly `#include "NAME"` or `#include <NAME>` in its line. */
static bool read_include(const char *line, char opens, char closes,
                         char name[256])
{
    static const char start[] = "#include ";
    size_t at = sizeof(start) - 1, len;

    if (strncmp(line, start, at) != 0 || line[at] != opens)
        return false;
    len = strspn(line + at + 1, "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./");
    if (len == 0 || len > 255 || line[at + 1 + len] != closes ||
        strcmp(line + at + 2 + len, "\n") != 0)
        return false;
    snprintf(name, 256, "%.*s", (int)len, line + at + 1);
    return !strstr(name, "./") && !strstr(name, "//") && name[0] != '/';
}

static void judge_line(struct check *x, const char *line)
{
    static const char ours[] = "sallyport/";
    char name[256];

    if (!has_include(line))
        return;
    if (read_include(line, '"', '"', name)) {
        if (strncmp(name, ours, sizeof(ours) - 1) == 0)
            judge_public(x, name + sizeof(ours) - 1);
        else
            judge_own(x, name);
    } else if (read_include(line, '<', '>', name)) {
        judge_library(x, name);
    } else {
        report_fault(x, "not the plain form of an include: %.*s",
                     (int)strcspn(line, "\n"), line);
    }
}

/* Returns the row of PATH's directory; PATH comes after "src/". */
static size_t row_of_file(const struct matrix *m, const char *path)
{
    return find_row(m, path, (size_t)(strrchr(path, '/') - path));
}

static void check_file(void *owner, const char *path)
{
    static const char public[] = "include/sallyport/";
    struct check *x = owner;
    char line[LINE_MAX_BYTES];
    FILE *f;

    x->path = path;
    x->line = 0;
    x->from = strncmp(path, public, sizeof(public) - 1) == 0
                  ? row_of_file(x->m, path + sizeof(public) - 1)
                  : row_of_file(x->m, path + strlen("src/"));
    if (x->from == NOBODY) {
        report_fault(x, "%s lies in no room of the table", path);
        return;
    }
    x->seen[x->from] |= strncmp(path, "src/", 4) == 0;
    f = source_tree_open(x->m->root, path);
    while (fgets(line, sizeof(line), f)) {
        x->line++;
        judge_line(x, line);
    }
    fclose(f);
    x->line = 0;
}

/* Searches depth first. TRAIL is the way to ROW; rows in DONE lead to no
 * cycle. */
static bool find_cycle(struct check *x, size_t row, size_t *trail, size_t depth,
                       bool *done)
{
    char text[LINE_MAX_BYTES] = "a cycle:";
    size_t len = strlen(text), at = 0;

    while (at < depth && trail[at] != row)
        at++;
    trail[depth] = row;
    if (at < depth) {
        for (; at <= depth; at++)
            len += (size_t)snprintf(text + len, sizeof(text) - len, " %s",
                                    x->m->rooms[trail[at]].name);
        report_fault(x, "%s", text);
        return true;
    }
    for (size_t to = 0; to < x->m->room_count; to++)
        if (x->edge[row][to] && to != row && !done[to] &&
            find_cycle(x, to, trail, depth + 1, done))
            return true;
    done[row] = true;
    return false;
}

size_t matrix_check(const struct matrix *m)
{
    struct check x = { .m = m };
    size_t trail[MATRIX_ROOMS_MAX + 1];
    bool done[MATRIX_ROOMS_MAX] = { false };

    source_tree_walk(m->root, "src", check_file, &x);
    source_tree_walk(m->root, "include/sallyport", check_file, &x);
    for (size_t i = 0; i < m->room_count; i++)
        if (!x.seen[i])
            report_fault(&x, "src/%s has no source", m->rooms[i].name);
    for (size_t i = 0; i < m->room_count; i++)
        if (!done[i] && find_cycle(&x, i, trail, 0, done))
            break;
    return x.faults;
}
