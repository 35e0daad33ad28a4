/* What is left of sessions that lived and ended while there was no log: it gets
 * to the next one, in order, and as much of it as there is room for. */
#include <criterion/criterion.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "stage.h"

#define ROOM     24 /* for max_sessions = 8 */
#define FOREIGN  (ROOM / 2)
#define TOO_MANY 5

/* The next one is started, and not ready. */
static void log_dies(struct stage *s)
{
    actor_die(&s->log);
    channel_close(&s->events);
    actor_enter(s, &s->log, "log");
}

static void say_word(int fd, char word)
{
    cr_assert_eq(send(fd, &word, 1, MSG_NOSIGNAL), 1);
}

/* The next one of whom log hears that isn't one of the service. */
static void expect_next(struct stage *s, enum process process, uint64_t serial,
                        char word)
{
    struct packet p;
    char byte = 0;

    actor_hear(&s->log, MSG_LOG_PEER, &p);
    while (p.value[1].number == 0) {
        packet_close(&p);
        actor_hear(&s->log, MSG_LOG_PEER, &p);
    }
    cr_assert_eq(p.value[0].number, process);
    cr_assert_eq(p.value[1].number, serial, "session %llu, not %llu",
                 (unsigned long long)p.value[1].number,
                 (unsigned long long)serial);
    cr_assert_eq(recv(p.fd[0], &byte, 1, MSG_DONTWAIT), 1, "session %llu",
                 (unsigned long long)serial);
    cr_assert_eq(byte, word);
    packet_close(&p);
}

/* Master has ended it. */
static void end_player(struct stage *s, struct player *p)
{
    channel_shout(&p->channel, "garbage", 7, NULL, 0);
    channel_hear_end(&p->channel);
    gate_hears(s, MSG_KILL, p->serial);
    player_leave(p);
}

Test(leftover, reaches_the_next_log)
{
    struct stage s;
    struct player p, late, silent;
    struct actor files;
    int of_session, of_files;

    stage_logged_in(&s, NULL, &p, &files);
    log_dies(&s);
    channel_hear_log(&p.channel, &of_session); /* at once */
    channel_hear_log(&files.channel, &of_files);
    say_word(of_session, 'w');
    end_player(&s, &p);
    player_enter(&s, &silent, 12);
    end_player(&s, &silent);
    player_enter(&s, &late, 13);
    say_word(late.log, 'l');
    end_player(&s, &late);
    gate_reaps(&s, p.serial, 9);
    channel_hear_end(&files.channel);
    say_word(of_files, 'f'); /* of an upload that was under way */
    actor_ready(&s, &s.log);
    expect_next(&s, PROCESS_SESSION, p.serial, 'w');
    expect_next(&s, PROCESS_SESSION, 13, 'l');
    expect_next(&s, PROCESS_FILES, p.serial, 'f');
    close(of_session);
    close(of_files);
    stage_close(&s);
}

/* Those of whom nobody knows who they are leave room for the users. */
Test(leftover, is_bounded)
{
    struct stage s;
    struct player p;
    struct actor files;

    stage_open(&s, NULL);
    log_dies(&s);
    for (uint64_t serial = 1; serial <= FOREIGN + TOO_MANY; serial++) {
        player_enter(&s, &p, serial);
        say_word(p.log, 'n');
        end_player(&s, &p);
    }
    player_enter(&s, &p, 100);
    player_logs_in(&s, &p, &files);
    say_word(p.log, 'u');
    end_player(&s, &p);
    actor_ready(&s, &s.log);
    for (uint64_t serial = 1; serial <= FOREIGN; serial++)
        expect_next(&s, PROCESS_SESSION, serial, 'n');
    expect_next(&s, PROCESS_SESSION, 100, 'u');
    stage_reports(&s, EVENT_SERVICE, "5 processes have ended");
    stage_close(&s);
}

/* The service stops while there is no log. */
Test(leftover, of_the_last_day)
{
    struct stage s;
    struct player p;

    stage_open(&s, NULL);
    log_dies(&s);
    player_enter(&s, &p, 1);
    say_word(p.log, 'n');
    end_player(&s, &p);
    stage_close(&s); /* and no descriptor leaks */
}
