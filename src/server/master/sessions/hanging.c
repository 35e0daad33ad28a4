/* The table of the processes files that hang: their disk doesn't answer, so
 * even SIGKILL doesn't end them. They are few, and their sessions' records
 * needn't wait for them. A second table has a mark for each directory on such a
 * disk. While a directory is marked as late, no process files opens
 * it. Forks of master try to open it, so no login has to wait for it. Runs in
 * master. */
#include "sessions.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/wait.h>

#include "sallyport/base/pages.h"

#define PAUSE_MOST_MS 60000
#define TRY_MS        5000

int hanging_init(struct hanging_table *t, size_t size)
{
    *t = (struct hanging_table){ .size = size };
    t->all = pages_new(size, sizeof(*t->all));
    t->mark = pages_new(HANGING_MARKS, sizeof(*t->mark));
    return t->all && t->mark ? 0 : -1;
}

void hanging_release(struct hanging_table *t)
{
    pages_free(t->all, t->size, sizeof(*t->all));
    pages_free(t->mark, HANGING_MARKS, sizeof(*t->mark));
    *t = (struct hanging_table){ 0 };
}

bool hanging_add(struct hanging_table *t, pid_t pid, uint64_t user,
                 uint64_t place)
{
    if (t->count == t->size)
        return false;
    t->all[t->count++] =
        (struct hanging){ .pid = pid, .user = user, .place = place };
    return true;
}

struct hanging *hanging_find(struct hanging_table *t, pid_t pid)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->all[i].pid == pid)
            return &t->all[i];
    return NULL;
}

/* Returns the mark of PLACE, or NULL; PLACE 0: the first unused mark. Marks are
 * used from the first on, so each mark after an unused one is unused, too. */
static struct hanging_mark *hanging_mark_of(const struct hanging_table *t,
                                            uint64_t place)
{
    for (size_t i = 0; i < HANGING_MARKS; i++) {
        if (t->mark[i].place == place)
            return &t->mark[i];
        if (t->mark[i].place == 0)
            break;
    }
    return NULL;
}

/* Begins a pause that is twice as long as the last one, but at most 1 minute:
 * otherwise the pause could last much longer than the fault of the disk. */
static void hanging_pause(struct hanging_mark *k)
{
    k->pause = k->pause == 0 ? k->master->deadlines.mark : 2 * k->pause;
    if (k->pause > PAUSE_MOST_MS)
        k->pause = PAUSE_MOST_MS;
    loop_timer_set(&k->master->loop, &k->timer, k->pause);
}

/* Runs in the fork. Ignores an error of open(2), since a disk that refuses the
 * open has answered, too. */
static int hanging_look(void *path)
{
    struct statfs s;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);

    if (fd >= 0)
        fstatfs(fd, &s);
    return 0;
}

static void hanging_on_looked(void *owner, int status)
{
    struct hanging_mark *k = owner;

    if (status < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        hanging_pause(k);
        return;
    }
    k->late = false;
    master_report(k->master, EVENT_SERVICE, PROCESS_MASTER,
                  "directory %s: its disk answers again", k->path);
}

static void hanging_on_timer(void *owner)
{
    struct hanging_mark *k = owner;
    struct master *m = k->master;
    char path[sizeof(k->path)]; /* a copy: the fork doesn't inherit the marks */
    pid_t pid = -1;

    snprintf(path, sizeof(path), "%s", k->path);
    if (errands_hanging(m, k) < ERRANDS_PER_MARK)
        pid = errand_fork(m, ERRAND_LOOKS, hanging_look, path, NULL, 0);
    if (pid < 0 || errand_watch(m, pid, TRY_MS, hanging_on_looked, k) < 0)
        hanging_pause(k);
}

/* Doesn't change a mark that is late already. So the pause grows only once if
 * several logins are late at the same directory. */
void hanging_mark(struct master *m, uint64_t place, const char *path)
{
    const struct hanging_table *t = &m->sessions->hanging;
    struct hanging_mark *k = hanging_mark_of(t, place);

    if (!k)
        k = hanging_mark_of(t, 0); /* never used */
    for (size_t i = 0; !k && i < HANGING_MARKS; i++)
        if (!t->mark[i].late)
            k = &t->mark[i];
    if (!k || k->late)
        return;
    if (k->place != place)
        k->pause = 0;
    k->master = m;
    k->place = place;
    k->late = true;
    k->timer = (struct loop_timer){ .on_timer = hanging_on_timer, .owner = k };
    snprintf(k->path, sizeof(k->path), "%s", path);
    hanging_pause(k);
}

bool hanging_reaped(struct hanging_table *t, pid_t pid)
{
    struct hanging *h = hanging_find(t, pid);

    if (h)
        *h = t->all[--t->count];
    return h != NULL;
}

/* If no mark was free for the directory, the processes that wait for it show
 * that it is late. */
bool hanging_is_late(const struct hanging_table *t, uint64_t place)
{
    const struct hanging_mark *k = hanging_mark_of(t, place);

    if (k)
        return k->late;
    for (size_t i = 0; i < t->count; i++)
        if (t->all[i].place == place)
            return true;
    return false;
}

size_t hanging_of_user(const struct hanging_table *t, uint64_t user)
{
    size_t n = 0;

    for (size_t i = 0; i < t->count; i++)
        n += t->all[i].user == user;
    return n;
}
