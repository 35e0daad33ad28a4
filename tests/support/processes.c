/* Reads /proc. Titles and status lines can be read even if a process isn't
 * dumpable. */
#include "processes.h"
#include "fail.h"
#include "sallyport/base/fd.h"
#include "test.h"
#include "wait.h"

static size_t read_proc(pid_t pid, const char *name, char *out, size_t size)
{
    char path[64];
    ssize_t n = -1;

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    FD_CLEANUP int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0)
        n = read(fd, out, size - 1);
    out[n > 0 ? n : 0] = '\0';
    return n > 0 ? (size_t)n : 0;
}

/* Reads the fields after the last bracket, since field 2, a name in brackets,
 * can contain any character; not the title. Returns false if the process has
 * ended; a zombie has. */
static bool read_row(pid_t pid, struct process_row *ret)
{
    char text[1024];
    const char *end;
    int parent;

    if (read_proc(pid, "stat", text, sizeof(text)) == 0)
        return false;
    end = strrchr(text, ')');
    if (!end || sscanf(end,
                       ") %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u "
                       "%*u %*d %*d %*d %*d %*d %*d %llu",
                       &ret->state, &parent, &ret->start) != 3)
        return false;
    ret->pid = pid;
    ret->parent = parent;
    return ret->state != 'Z' && ret->state != 'X';
}

static void read_all(struct processes *all)
{
    DIR *proc = opendir("/proc");
    struct dirent *e;

    FAIL_IF(!proc, "/proc");
    all->count = 0;
    while ((e = readdir(proc)) != NULL && all->count < PROCESSES_MAX) {
        int pid = atoi(e->d_name);

        if (pid > 0 && read_row(pid, &all->row[all->count]))
            all->count++;
    }
    closedir(proc);
    FAIL_IF(all->count == PROCESSES_MAX, "too many processes to look at");
}

static bool has(const struct processes *p, pid_t pid)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->row[i].pid == pid)
            return true;
    return false;
}

void processes_of(pid_t root, struct processes *ret)
{
    struct processes *all = malloc(sizeof(*all));
    size_t before;

    FAIL_IF(!all, "no memory");
    read_all(all);
    ret->count = 0;
    do { /* until no more children appear: pids have no order */
        before = ret->count;
        for (size_t i = 0; i < all->count; i++) {
            const struct process_row *p = &all->row[i];

            if ((p->pid == root || has(ret, p->parent)) && !has(ret, p->pid)) {
                ret->row[ret->count] = *p;
                read_proc(p->pid, "cmdline", ret->row[ret->count++].title,
                          sizeof(p->title));
            }
        }
    } while (ret->count != before);
    free(all);
}

const struct process_row *processes_find(const struct processes *p,
                                         const char *title)
{
    for (size_t i = 0; i < p->count; i++)
        if (strncmp(p->row[i].title, title, strlen(title)) == 0)
            return &p->row[i];
    return NULL;
}

size_t processes_count(const struct processes *p, const char *title)
{
    size_t n = 0;

    for (size_t i = 0; i < p->count; i++)
        n += strncmp(p->row[i].title, title, strlen(title)) == 0;
    return n;
}

struct wanted {
    pid_t root;
    const char *title;
    size_t count;
    struct processes *list;
};

static bool is_there(void *argument)
{
    struct wanted *w = argument;

    processes_of(w->root, w->list);
    return processes_count(w->list, w->title) == w->count;
}

void processes_wait(pid_t root, const char *title, size_t count,
                    struct processes *ret)
{
    struct wanted w = { root, title, count, ret };

    FAIL_IF(!wait_until(is_there, &w, WAIT_MS),
            "there are %zu processes \"%s\", not %zu",
            processes_count(ret, title), title, count);
}

bool process_lives(const struct process_row *p)
{
    struct process_row now;

    return read_row(p->pid, &now) && now.start == p->start;
}

static bool is_gone(void *row)
{
    return !process_lives(row);
}

static bool is_any(void *argument)
{
    struct wanted *w = argument;

    processes_of(w->root, w->list);
    return processes_find(w->list, w->title) != NULL;
}

void processes_kill(pid_t root, const char *title)
{
    struct processes all;
    struct wanted w = { .root = root, .title = title, .list = &all };
    struct process_row row;

    do {
        FAIL_IF(!wait_until(is_any, &w, WAIT_MS), "no process %s", title);
        row = *processes_find(&all, title);
    } while (kill(row.pid, SIGKILL) != 0 && errno == ESRCH);
    FAIL_IF(!wait_until(is_gone, &row, WAIT_MS), "%s lives on", title);
}

pid_t processes_pid(pid_t root, const char *title)
{
    static struct processes all;

    processes_wait(root, title, 1, &all);
    return processes_find(&all, title)->pid;
}

const char *process_status(pid_t pid, const char *name, char *out, size_t size)
{
    char text[8192], *line, *rest = text;
    size_t len = strlen(name);

    read_proc(pid, "status", text, sizeof(text));
    while ((line = strsep(&rest, "\n")) != NULL)
        if (strncmp(line, name, len) == 0 && line[len] == ':') {
            line += len + 1;
            snprintf(out, size, "%s", line + strspn(line, "\t "));
            return out;
        }
    FAIL("no %s in the status of process %d", name, (int)pid);
}

uint64_t process_number(pid_t pid, const char *name)
{
    char text[128];

    return strtoull(process_status(pid, name, text, sizeof(text)), NULL, 10);
}

uint64_t process_ticks(pid_t pid)
{
    unsigned long t[4] = { 0 };
    char text[1024];
    const char *end;

    read_proc(pid, "stat", text, sizeof(text));
    end = strrchr(text, ')');
    if (end)
        sscanf(end,
               ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %lu %lu",
               &t[0], &t[1], &t[2], &t[3]);
    return t[0] + t[1] + t[2] + t[3];
}

size_t process_descriptors(pid_t pid)
{
    char path[64];
    size_t n = 0;
    DIR *d;

    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    d = opendir(path);
    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n;
}
