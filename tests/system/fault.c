/* Checks the files and the log after a fault. */
#include "fault.h"
#include "support/files.h"
#include "support/processes.h"
#include "support/server_log.h"
#include "support/test.h"
#include "support/wait.h"

#define PARTIAL ".sallyport-"

unsigned char *fault_noise(size_t len)
{
    unsigned char *bytes = malloc(len + sizeof(uint64_t));

    cr_assert(bytes);
    files_noise(bytes, len, len + 1);
    return bytes;
}

void fault_make_sparse(const struct server *s, const char *user,
                       const char *name, uint64_t size)
{
    const char *path = server_home_file(s, user, name);

    files_write(path, "", 0, 0600);
    cr_assert_eq(truncate(path, (off_t)size), 0);
    files_give_to_owner_of(server_home(s, user), path);
}

void fault_write(struct data *d, const void *bytes, size_t len)
{
    const size_t piece = 64 * FAULT_KIB;
    const char *at = bytes;

    while (len > 0) {
        size_t n = len < piece ? len : piece;

        if (!tls_client_write(d->tls, at, n))
            return;
        at += n;
        len -= n;
    }
}

bool fault_is_whole(const struct server *s, const char *user, const char *name,
                    const void *bytes, size_t len)
{
    struct buf got;
    bool same;

    buf_init(&got, len + 64 * FAULT_MIB);
    same = files_read(server_home_file(s, user, name), &got) &&
           got.len == len && (len == 0 || memcmp(got.data, bytes, len) == 0);
    buf_release(&got);
    return same;
}

void fault_expect_whole(const struct server *s, const char *user,
                        const char *name, const void *bytes, size_t len)
{
    cr_assert(fault_is_whole(s, user, name, bytes, len),
              "%s of %s is not there, or not whole", name, user);
}

void fault_expect_absent(const struct server *s, const char *user,
                         const char *name)
{
    cr_assert(!files_exists(server_home_file(s, user, name)),
              "%s of %s is visible", name, user);
}

struct partials {
    const char *home;
    size_t at_least;
    unsigned count;
};

/* Counts the partials of at least .at_least bytes in the top directory of a
 * home. Returns true if there is one. */
static bool find_partials(void *argument)
{
    struct partials *p = argument;
    DIR *folder = opendir(p->home);
    struct dirent *e;

    cr_assert(folder, "no %s", p->home);
    p->count = 0;
    while ((e = readdir(folder)) != NULL) {
        struct stat st;

        if (strncmp(e->d_name, PARTIAL, strlen(PARTIAL)) == 0 &&
            fstatat(dirfd(folder), e->d_name, &st, 0) == 0 &&
            (size_t)st.st_size >= p->at_least)
            p->count++;
    }
    closedir(folder);
    return p->count > 0;
}

void fault_wait_partial(const struct server *s, const char *user, size_t len)
{
    struct partials p = { .home = server_home(s, user), .at_least = len };

    cr_assert(wait_until(find_partials, &p, WAIT_MS), "nothing was written");
}

unsigned fault_count_partials(const struct server *s, const char *user)
{
    struct partials p = { .home = server_home(s, user) };

    find_partials(&p);
    return p.count;
}

void fault_retry(struct session *s, const struct server *server,
                 const char *user, const char *name, const void *bytes,
                 size_t len)
{
    session_store(s, "STOR", name, bytes, len);
    fault_expect_whole(server, user, name, bytes, len);
}

/* Counts the log's lines about transfers of PATH with the result 226 (STORED)
 * or with another one, and copies the last line to LINE. */
static unsigned count_events(char *log, const char *user, const char *path,
                             bool stored, char line[1024])
{
    unsigned count = 0;
    char *one;

    while ((one = strsep(&log, "\n")) != NULL) {
        if (!strstr(one, "transfer ") || !strstr(one, user) ||
            !strstr(one, path) || !!strstr(one, " result=226") != stored)
            continue;
        snprintf(line, 1024, "%s", one);
        count++;
    }
    return count;
}

void fault_expect_event(const struct server *s, const char *user,
                        const char *name, int result, const char *reason)
{
    char who[64], path[128], code[32], line[1024] = "";
    struct buf log;
    unsigned count;

    snprintf(who, sizeof(who), " user=%s ", user);
    snprintf(path, sizeof(path), " path=/%s ", name);
    snprintf(code, sizeof(code), result < 0 ? " result=" : " result=%d ",
             result);
    server_log_wait(s, "transfer ", who, path, " result=226", NULL);
    server_log(s, &log);
    count = count_events(log.data, who, path, false, line);
    cr_assert_eq(count, 1, "%u events of %s, the last: %s", count, path, line);
    cr_assert(strstr(line, code) && strstr(line, reason),
              "neither %s nor \"%s\" in: %s", code, reason, line);
    buf_release(&log);
}

void fault_expect_no_226(struct session *s)
{
    struct buf rest;

    buf_init(&rest, FAULT_MIB);
    session_read_rest(s, &rest);
    cr_assert(!strstr(rest.data, "226 "), "%s", rest.data);
    buf_release(&rest);
}

/* Returns the pid of a process of this kind that serves the user; 0: there is
 * none. */
static int find_process(const struct server *s, const char *user,
                        const char *kind)
{
    static struct processes p;
    char end[64];

    snprintf(end, sizeof(end), "(%s)", user);
    processes_of(s->pid, &p);
    for (size_t i = 0; i < p.count; i++)
        if (strncmp(p.row[i].title, kind, strlen(kind)) == 0 &&
            strstr(p.row[i].title, end))
            return p.row[i].pid;
    return 0;
}

int fault_process(const struct server *s, const char *user, const char *kind)
{
    int pid = find_process(s, user, kind);

    cr_assert(pid > 0, "no process \"%s\" of %s", kind, user);
    return pid;
}

struct served {
    const struct server *server;
    const char *user;
};

static bool is_alone(void *argument)
{
    struct served *served = argument;

    return find_process(served->server, served->user, "sallyport: ") == 0;
}

void fault_wait_gone(const struct server *s, const char *user)
{
    struct served served = { s, user };

    cr_assert(wait_until(is_alone, &served, WAIT_MS),
              "a process still serves %s", user);
}
