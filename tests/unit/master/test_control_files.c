/* A process files for sallyportctl: forked as for a login, passed on, ended. */
#include <criterion/criterion.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "caller.h"
#include "sallyport/base/fd.h"
#include "support/packet.h"

static void quick(struct master *m)
{
    m->deadlines.files = 300;
    m->deadlines.walk = 300;
}

static void is_reaped(const struct actor *files)
{
    while (kill(files->note.pid, 0) == 0)
        sched_yield();
}

/* Messages between ctl and files don't go through master. */
Test(control_files, is_handed_on)
{
    struct packet find = { .message = MSG_partials_find, .request = 7 }, p;
    struct stage s;
    struct caller c;
    struct actor files;
    struct channel data, far;

    stage_open(&s, NULL);
    caller_enter(&s, &c);
    caller_gets_files(&s, &c, &files, &data);
    cr_expect_str_eq(files.note.name, "anna");
    cr_expect(files.note.for_ctl);
    cr_expect_neq(files.note.serial, 0);
    cr_expect_not(files.note.sees_users);
    cr_expect_not(files.note.sees_sessions);
    channel_init(&far, files.session, PROCESS_FILES, PROCESS_CTL, PHASE_IDLE);
    cr_assert_eq(packet_send(&data, &find), 0);
    cr_assert_eq(packet_wait(&far, &p, STAGE_WAIT_MS), 1);
    cr_expect_eq(p.message, MSG_partials_find);
    find.message = MSG_partials_end;
    cr_assert_eq(packet_send(&far, &find), 0);
    cr_assert_eq(packet_wait(&data, &p, STAGE_WAIT_MS), 1);
    cr_expect_eq(p.message, MSG_partials_end);

    caller_asks(&c, MSG_partials, "bert"); /* one at a time */
    caller_is_refused(&c, REFUSAL_BUSY);
    actor_die(&files);
    channel_close(&far);
    channel_hear_end(&data); /* no other process has its end */
    is_reaped(&files);
    caller_gets_files(&s, &c, &files, &data); /* and then the next one */
    channel_close(&data);
    close(files.session);
    caller_leave(&c);
    channel_hear_end(&files.channel);
    stage_close(&s);
}

/* Log gets its channel like any other. */
Test(control_files, has_a_log)
{
    struct stage s;
    struct caller c;
    struct actor files;
    struct channel data;
    struct packet p;

    stage_open(&s, NULL);
    caller_enter(&s, &c);
    caller_gets_files(&s, &c, &files, &data);
    do {
        actor_hear(&s.log, MSG_log_sender, &p);
        packet_close(&p);
    } while (p.value[0].number != PROCESS_FILES);
    cr_expect_eq(p.value[1].number, files.note.serial);
    cr_expect_eq(p.value[2].address.family, 0);
    channel_close(&data);
    caller_leave(&c);
    stage_close(&s);
}

static void patient(struct master *m)
{
    m->deadlines.kick = 100000;
}

/* Ctl leaves: the channel to files is closed, and files is killed if it doesn't
 * leave. */
Test(control_files, ctl_goes)
{
    struct stage s;
    struct caller c;
    struct actor files;
    struct channel data;

    for (int stuck = 0; stuck < 2; stuck++) {
        stage_open(&s, stuck ? NULL : patient);
        caller_enter(&s, &c);
        caller_gets_files(&s, &c, &files, &data);
        if (stuck)
            kill(files.note.pid, SIGSTOP);
        caller_leave(&c);
        channel_hear_end(&files.channel);
        is_reaped(&files);
        channel_close(&data);
        stage_serves(&s);
        stage_close(&s);
    }
}

/* It works for too long, or is connected without a message. */
Test(control_files, takes_too_long)
{
    struct stage s;
    struct caller c;
    struct actor files;
    struct channel data;
    uint64_t v[6];

    stage_open(&s, quick);
    caller_enter(&s, &c);
    caller_gets_files(&s, &c, &files, &data);
    close(files.session);
    channel_close(&files.channel);
    channel_hear_end(&data);
    is_reaped(&files);
    caller_gets_status(&c, v); /* the caller may still ask */
    channel_close(&data);
    caller_leave(&c);
    stage_close(&s);
}

/* It closes its channel to master, and stays alive. */
Test(control_files, leaves_and_stays)
{
    struct stage s;
    struct caller c;
    struct actor files;
    struct channel data;

    stage_open(&s, NULL);
    caller_enter(&s, &c);
    caller_gets_files(&s, &c, &files, &data);
    actor_leave(&files);
    is_reaped(&files);
    channel_close(&data);
    caller_leave(&c);
    stage_close(&s);
}

static void fails(struct actor *a)
{
    actor_say(a, (struct packet){ .message = MSG_files_failed,
                                  .value = { NUMBER(ENOENT) } });
}

static void garbage(struct actor *a)
{
    channel_shout(&a->channel, "ready", 5, NULL, 0);
}

static void says_nothing(struct actor *a)
{
    (void)a;
}

static const struct {
    const char *what;
    void (*act)(struct actor *a);
} starts[] = {
    { "it can't enter the home", fails },
    { "it dies", actor_die },
    { "it closes its channel and lives on", actor_leave },
    { "garbage", garbage },
    { "it says nothing", says_nothing },
};

Test(control_files, does_not_come_up)
{
    struct stage s;

    stage_open(&s, quick);
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        struct caller c;
        struct actor files;

        caller_enter(&s, &c);
        caller_asks(&c, MSG_partials, "anna");
        actor_enter(&s, &files, "files");
        starts[i].act(&files);
        caller_is_refused(&c, REFUSAL_HOME);
        is_reaped(&files);
        caller_leave(&c);
        channel_close(&files.channel);
        close(files.session);
        close(files.log);
    }
    stage_serves(&s);
    stage_close(&s);
}

/* Ctl leaves before files is ready. */
Test(control_files, ctl_goes_early)
{
    struct stage s;
    struct caller c;
    struct actor files;

    stage_open(&s, NULL);
    caller_enter(&s, &c);
    caller_asks(&c, MSG_partials, "anna");
    actor_enter(&s, &files, "files");
    caller_leave(&c);
    channel_hear_end(&files.channel);
    is_reaped(&files);
    stage_serves(&s);
    stage_close(&s);
}

Test(control_files, users_that_are_refused)
{
    struct stage s;
    struct caller c;

    stage_open(&s, NULL);
    caller_enter(&s, &c);
    caller_asks(&c, MSG_partials, "dora");
    caller_is_refused(&c, REFUSAL_NO_USER);
    caller_asks(&c, MSG_partials, "../anna");
    caller_is_refused(&c, REFUSAL_NO_USER);
    stage_users(&s, "anna:!:70000:70000::/elsewhere/anna::\n"
                    "root:!:0:0::/elsewhere/root::\n");
    caller_asks(&c, MSG_partials, "root");
    caller_is_refused(&c,
                      REFUSAL_HOME); /* its uid or, without root, its home */
    caller_leave(&c);
    stage_close(&s);
}

/* Partials of a locked user can be listed too. */
Test(control_files, of_a_locked_user)
{
    struct stage s;
    struct caller c;
    struct actor files;

    stage_open(&s, NULL);
    caller_enter(&s, &c);
    caller_asks(&c, MSG_partials, "carl");
    actor_enter(&s, &files, "files");
    cr_expect_str_eq(files.note.name, "carl");
    caller_leave(&c);
    stage_close(&s);
}

/* Log dies meanwhile: the next one gets the same channel of files. */
Test(control_files, log_is_started_anew)
{
    struct stage s;
    struct caller c;
    struct actor files;
    struct channel data;
    struct packet p;
    char byte;

    stage_open(&s, NULL);
    caller_enter(&s, &c);
    caller_gets_files(&s, &c, &files, &data);
    do {
        actor_hear(&s.log, MSG_log_sender, &p);
        packet_close(&p);
    } while (p.value[0].number != PROCESS_FILES);
    actor_die(&s.log);
    actor_again(&s, &s.log);
    cr_assert_eq(send(files.log, "w", 1, MSG_NOSIGNAL), 1);
    do {
        packet_close(&p);
        actor_hear(&s.log, MSG_log_sender, &p);
    } while (p.value[0].number != PROCESS_FILES);
    cr_assert_eq(recv(p.fd[0], &byte, 1, MSG_DONTWAIT), 1);
    packet_close(&p);
    channel_close(&data);
    caller_leave(&c);
    stage_close(&s);
}
