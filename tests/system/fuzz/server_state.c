/* Checks and kills the server's processes of a player. */
#include "client.h"
#include "support/fail.h"
#include "support/processes.h"
#include "support/test.h"
#include "support/wait.h"

#define IDLE_MS 250

static void title_of(const struct actor *p, uint64_t files, char title[128])
{
    if (files)
        snprintf(title, 128, "sallyport: files (%s", p->user);
    else
        snprintf(title, 128, "sallyport: session %s", p->from);
}

static bool is_of(const struct actor *p, const struct process_row *row)
{
    char session[128], files[128];

    title_of(p, 0, session);
    title_of(p, 1, files);
    return strncmp(row->title, session, strlen(session)) == 0 ||
           strncmp(row->title, files, strlen(files)) == 0;
}

/* Checks that a process of the player uses no processor time while it waits for
 * its client. */
void server_idle(struct actor *p)
{
    static struct processes all;
    uint64_t before[64] = { 0 }, now;

    processes_of(p->server->pid, &all);
    for (size_t i = 0; i < all.count && i < 64; i++)
        before[i] = process_ticks(all.row[i].pid);
    poll(NULL, 0, IDLE_MS);
    for (size_t i = 0; i < all.count && i < 64; i++) {
        now = is_of(p, &all.row[i]) ? process_ticks(all.row[i].pid) : before[i];
        FAIL_IF(now >= before[i] + IDLE_MS * 6 / 100,
                "%s used %llu ticks in %d ms without a client's word",
                all.row[i].title, (unsigned long long)(now - before[i]),
                IDLE_MS);
    }
}

/* Kills a process of the player. HOW 0: its session; 1: its files. */
void server_hurt(struct actor *p, const struct op *o)
{
    static struct processes all;
    const struct process_row *row;
    char title[128];

    title_of(p, o->how, title);
    processes_of(p->server->pid, &all);
    row = processes_find(&all, title);
    if (row && kill(row->pid, SIGKILL) == 0)
        p->counts->kills++;
}

static bool has_left(void *argument)
{
    const struct actor *p = argument;
    static struct processes all;

    processes_of(p->server->pid, &all);
    for (size_t i = 0; i < all.count; i++)
        if (is_of(p, &all.row[i]))
            return false;
    return true;
}

void server_left(struct actor *p)
{
    FAIL_IF(!wait_until(has_left, p, WAIT_MS), "a session of %s is left",
            p->from);
}
