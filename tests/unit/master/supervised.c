/* See supervised.h. */
#include "supervised.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "sallyport/base/fd.h"
#include "sallyport/base/shared.h"
#include "support/processes.h"
#include "support/wait.h"

struct channel supervised_channel;
static int to_supervisor;
static void (*adjust_too)(struct master *m);

static void is_supervised(struct master *m)
{
    channel_init(&m->succession.supervisor, to_supervisor, PROCESS_MASTER,
                 PROCESS_SUPERVISOR, PHASE_RUN);
    if (adjust_too)
        adjust_too(m);
}

void supervised_begin(void (*adjust)(struct master *m))
{
    to_supervisor = channel_make(&supervised_channel, PROCESS_SUPERVISOR,
                                 PROCESS_MASTER, PHASE_START | PHASE_RUN);
    adjust_too = adjust;
    stage_raise(is_supervised);
    close(to_supervisor);
    actors_enter();
}

void supervised_come_up(void)
{
    actors_ready();
    EXPECT(&supervised_channel, up);
}

void supervised_raise(void (*adjust)(struct master *m))
{
    supervised_begin(adjust);
    supervised_come_up();
}

void supervised_gate_serves(void)
{
    SAY(&stage.gate.channel, serving);
}

void supervised_replaces(void)
{
    SAY(&supervised_channel, replaced);
    EXPECT(&stage.gate.channel, stop_accepting);
    cr_expect(heard.stop_accepting.serve);
}

/* Returns true if master has read all messages and sleeps. It sleeps only when
 * it has handled all messages that it has read. */
static bool has_heard(void *argument)
{
    const struct stage *s = argument;
    char state[32];
    int left = 1;

    return ioctl(supervised_channel.fd, SIOCOUTQ, &left) == 0 && left == 0 &&
           process_status(s->master, "State", state, sizeof(state))[0] == 'S';
}

void supervised_heard(void)
{
    cr_assert(wait_until(has_heard, &stage, STAGE_WAIT_MS));
}

void supervised_open(void (*adjust)(struct master *m))
{
    supervised_raise(adjust);
    SAY(&supervised_channel, lead);
    EXPECT(&stage.gate.channel, open);
    supervised_gate_serves();
    EXPECT(&supervised_channel, leading);
}

#define ROWS 100 /* more rows than a master of a test has records */

static int own_fd = -1, older_fd = -1;
static struct roster *own, *older;

void supervised_make_rosters(void)
{
    own_fd = memfd_create("own", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    older_fd = shared_make("older", roster_size(ROWS));
    cr_assert_eq(roster_map_all(older_fd, &older), 0);
}

void supervised_uses_own(struct master *m)
{
    const size_t rows = sessions_records(master_places(m));

    cr_assert_eq(ftruncate(own_fd, (off_t)roster_size(rows)), 0);
    cr_assert_eq(fcntl(own_fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
    m->memory[MEMORY_ROSTER] = own_fd;
}

void supervised_uses_older(struct master *m)
{
    m->older[0].generation = 1;
    cr_assert(older_open(&m->older[0], older_fd));
}

struct roster *supervised_own(void)
{
    if (!own)
        cr_assert_eq(roster_map_all(own_fd, &own), 0);
    return own;
}

struct roster *supervised_older(void)
{
    return older;
}

void supervised_drop_rosters(void)
{
    roster_unmap(&own);
    roster_unmap(&older);
    fd_close(&own_fd);
    fd_close(&older_fd);
}

struct asked_order {
    struct roster *roster;
    unsigned what;
    size_t row;
};

static bool is_ordered(void *argument)
{
    struct asked_order *a = argument;

    for (a->row = 0; a->row < roster_used(a->roster); a->row++)
        if (__atomic_load_n(&a->roster->row[a->row].orders, __ATOMIC_SEQ_CST) &
            a->what)
            return true;
    return false;
}

size_t supervised_ordered(struct roster *r, unsigned what)
{
    struct asked_order a = { r, what, 0 };

    cr_assert(wait_until(is_ordered, &a, STAGE_WAIT_MS), "no order %u", what);
    return a.row;
}

struct asked_row {
    struct roster *roster;
    uint64_t serial;
    bool (*f)(const struct roster_facts *now);
    struct roster_facts facts;
    size_t row;
};

static bool is_shown(void *argument)
{
    struct asked_row *a = argument;

    for (a->row = 0; a->row < roster_used(a->roster); a->row++) {
        uint64_t turn = 0;

        if (roster_read(a->roster, a->row, &turn, &a->facts) &&
            a->facts.serial == a->serial && (!a->f || a->f(&a->facts)))
            return true;
    }
    return false;
}

size_t supervised_shows(struct roster *r, uint64_t serial,
                        bool (*f)(const struct roster_facts *now),
                        struct roster_facts *ret)
{
    struct asked_row a = { .roster = r, .serial = serial, .f = f };

    cr_assert(wait_until(is_shown, &a, STAGE_WAIT_MS), "session %llu",
              (unsigned long long)serial);
    *ret = a.facts;
    return a.row;
}
