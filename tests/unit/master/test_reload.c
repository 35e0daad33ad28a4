/* A reload as master conducts it: keys first, then gate, and both or none. Keys
 * and gate are played. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "caller.h"
#include "stage.h"
#include "support/packet.h"

/* Beside the users file, which stage.c writes; certificate and key are empty
 * files: master doesn't read them. */
static void write_conf(const struct stage *s, const char *more)
{
    char path[128];
    FILE *f;

    snprintf(path, sizeof(path), "%s/conf", s->folder);
    f = fopen(path, "w");
    cr_assert(f);
    fprintf(f,
            "certificate = %s/certificate\nkey = %s/key\nusers = %s/users\n"
            "homes = %s\n%s",
            s->folder, s->folder, s->folder, s->folder, more);
    fclose(f);
}

/* Of the folder, the certificate's name is all that a fork can see. */
static void with_conf(struct master *m)
{
    size_t len = strlen(m->settings.certificate) - strlen("certificate");

    snprintf(m->settings.file, sizeof(m->settings.file), "%.*sconf", (int)len,
             m->settings.certificate);
}

/* Another certificate: a longer one. */
static void renew(const struct stage *s)
{
    char path[128];
    FILE *f;

    snprintf(path, sizeof(path), "%s/certificate", s->folder);
    f = fopen(path, "a");
    cr_assert(f && fputc('x', f) == 'x' && fclose(f) == 0);
}

static void hup(struct stage *s)
{
    renew(s);
    cr_assert_eq(kill(s->master, SIGHUP), 0);
}

static void ask_anew(struct stage *s, struct caller *c)
{
    renew(s);
    caller_asks(c, MSG_reload, NULL);
}

static void answer(struct actor *a, enum message_kind m, uint64_t generation,
                   const char *why)
{
    actor_say(a, (struct packet){
                     .message = m,
                     .value = { NUMBER(generation), TEXT(slice_from(why)) } });
}

static void hear_number(struct actor *a, enum message_kind m, uint64_t number)
{
    struct packet p;

    actor_hear(a, m, &p);
    cr_assert_eq(p.value[0].number, number, "%s %llu", message_name(m),
                 (unsigned long long)p.value[0].number);
    packet_close(&p);
}

static void keys_are_asked(struct stage *s, uint64_t key, uint64_t generation)
{
    hear_number(&s->keys, MSG_key, key);
    hear_number(&s->keys, MSG_take, generation);
}

static void gate_is_asked(struct stage *s, uint64_t key, uint64_t generation)
{
    struct packet p;

    actor_hear(&s->gate, MSG_conf, &p);
    packet_close(&p);
    hear_number(&s->gate, MSG_certificate, key);
    hear_number(&s->gate, MSG_take, generation);
}

static void both_answer(struct stage *s, uint64_t number)
{
    keys_are_asked(s, number, number);
    answer(&s->keys, MSG_taken, number, "");
    gate_is_asked(s, number, number);
    answer(&s->gate, MSG_taken, number, "");
}

static void both_take(struct stage *s, uint64_t number)
{
    hup(s);
    both_answer(s, number);
    stage_reports(s, EVENT_SERVICE, "are in use");
}

static void open_stage(struct stage *s)
{
    stage_open(s, with_conf);
    write_conf(s, "");
    hear_number(&s->keys, MSG_keys_client, PROCESS_GATE);
}

Test(reload, both_take_it)
{
    struct stage s;

    open_stage(&s);
    both_take(&s, 2);
    hear_number(&s.keys, MSG_key_gone, 1);
    hear_number(&s.auth, MSG_certificate, 2);
    both_take(&s, 3);
    hear_number(&s.keys, MSG_key_gone, 2);
    hear_number(&s.auth, MSG_certificate, 3);
    stage_close(&s);
}

static void gate_has(struct stage *s, uint64_t key)
{
    actor_say(&s->gate, (struct packet){ .message = MSG_pair_is,
                                         .value = { NUMBER(key) } });
}

/* The chain with that key, which gate is told to be in use already or not. */
static void gate_hears_use(struct stage *s, uint64_t key, bool in_use)
{
    struct packet p;

    actor_hear(&s->gate, MSG_conf, &p);
    packet_close(&p);
    actor_hear(&s->gate, MSG_certificate, &p);
    cr_expect_eq(p.value[0].number, key);
    cr_expect_eq(p.value[3].number, in_use);
    packet_close(&p);
}

/* What hasn't changed needs no keys anew, whatever else is reloaded, how often,
 * and how many old sets there are. */
Test(reload, the_same_files_keep_their_keys)
{
    struct stage s;

    open_stage(&s);
    gate_has(&s, 1);
    for (int i = 0; i < 2 * CERTIFICATES_SETS; i++) {
        cr_assert_eq(kill(s.master, SIGHUP), 0);
        gate_hears_use(&s, 1, true);
        hear_number(&s.gate, MSG_take, 1);
        answer(&s.gate, MSG_taken, 1, "");
        stage_reports(&s, EVENT_SERVICE, "are in use");
    }
    both_take(&s, 2 * CERTIFICATES_SETS + 2); /* keys has heard of none */
    stage_close(&s);
}

/* What has just changed may change again and leave no trace. */
Test(reload, the_same_files_that_have_just_changed)
{
    struct stage s;
    char path[128];

    open_stage(&s);
    snprintf(path, sizeof(path), "%s/key", s.folder);
    cr_assert_eq(utimensat(AT_FDCWD, path, NULL, 0), 0);
    cr_assert_eq(kill(s.master, SIGHUP), 0);
    both_answer(&s, 2);
    stage_reports(&s, EVENT_SERVICE, "are in use");
    hear_number(&s.keys, MSG_key_gone, 1);
    cr_assert_eq(kill(s.master, SIGHUP), 0);
    keys_are_asked(&s, 3, 3);
    stage_close(&s);
}

/* A certificate that is new must be good; one that gate has taken may have
 * expired, also where its key's file is another. */
Test(reload, says_what_is_in_use)
{
    struct stage s;
    char path[128];

    open_stage(&s);
    hup(&s);
    keys_are_asked(&s, 2, 2);
    answer(&s.keys, MSG_taken, 2, "");
    gate_hears_use(&s, 2, false);
    hear_number(&s.gate, MSG_take, 2);
    gate_has(&s, 2);
    answer(&s.gate, MSG_taken, 2, "");
    stage_reports(&s, EVENT_SERVICE, "are in use");
    snprintf(path, sizeof(path), "%s/key", s.folder);
    cr_assert_eq(truncate(path, 1), 0);
    cr_assert_eq(kill(s.master, SIGHUP), 0);
    hear_number(&s.keys, MSG_key_gone, 1);
    keys_are_asked(&s, 3, 3);
    answer(&s.keys, MSG_taken, 3, "");
    gate_hears_use(&s, 3, true);
    stage_close(&s);
}

/* A session has its key until it is over. */
Test(reload, a_key_lives_as_long_as_its_sessions)
{
    struct stage s;
    struct player old;
    struct packet p;

    open_stage(&s);
    player_enter(&s, &old, 1);
    actor_hear(&s.keys, MSG_keys_client, &p);
    packet_close(&p);
    both_take(&s, 2);
    both_take(&s, 3);
    hear_number(&s.keys, MSG_key_gone, 2);
    player_leave(&old);
    gate_reaps(&s, 1, 0);
    hear_number(&s.keys, MSG_key_gone, 1);
    stage_close(&s);
}

Test(reload, keys_refuses)
{
    struct stage s;

    open_stage(&s);
    hup(&s);
    keys_are_asked(&s, 2, 2);
    answer(&s.keys, MSG_not_taken, 2, "no such curve");
    stage_reports(&s, EVENT_SERVICE, "certificates stay: no such curve");
    hear_number(&s.keys, MSG_key_gone, 2);
    both_take(&s, 3);
    hear_number(&s.auth, MSG_certificate, 3); /* and not the refused ones */
    stage_close(&s);
}

Test(reload, gate_refuses)
{
    struct stage s;

    open_stage(&s);
    hup(&s);
    keys_are_asked(&s, 2, 2);
    answer(&s.keys, MSG_taken, 2, "");
    gate_is_asked(&s, 2, 2);
    answer(&s.gate, MSG_not_taken, 2, "not the key");
    stage_reports(&s, EVENT_SERVICE, "certificates stay: not the key");
    hear_number(&s.keys, MSG_key_gone, 2);
    both_take(&s, 3);
    stage_close(&s);
}

/* What was asked meanwhile is done once, behind it. */
Test(reload, asked_for_twice_meanwhile)
{
    struct stage s;
    struct player old;

    open_stage(&s);
    hup(&s);
    keys_are_asked(&s, 2, 2);
    hup(&s);
    player_enter(&s, &old, 1); /* it has heard of both */
    hear_number(&s.keys, MSG_keys_client, PROCESS_SESSION);
    answer(&s.keys, MSG_taken, 2, "");
    gate_is_asked(&s, 2, 2);
    answer(&s.gate, MSG_taken, 2, "");
    stage_reports(&s, EVENT_SERVICE, "are in use");
    keys_are_asked(&s, 3, 3);
    stage_leave(&s, &old);
}

/* New keys get all that somebody needs: of the set in use, and of none that was
 * given up. */
Test(reload, keys_dies_in_the_midst)
{
    struct stage s;

    open_stage(&s);
    hup(&s);
    keys_are_asked(&s, 2, 2);
    actor_die(&s.keys);
    stage_reports(&s, EVENT_SERVICE,
                  "a process that was to take them has ended");
    actor_again(&s, &s.keys);
    stage_serves(&s);
    stage_close(&s);
}

Test(reload, the_configuration_is_broken)
{
    struct stage s;

    open_stage(&s);
    write_conf(&s, "nosuch = 1\n");
    hup(&s);
    stage_reports(&s, EVENT_SERVICE, "certificates stay: ");
    write_conf(&s, "max_sessions = 7\n");
    hup(&s);
    keys_are_asked(&s, 2, 2);
    answer(&s.keys, MSG_taken, 2, "");
    gate_is_asked(&s, 2, 2);
    answer(&s.gate, MSG_taken, 2, "");
    stage_reports(&s, EVENT_SERVICE, "a restart is needed for");
    stage_close(&s);
}

static void lie(struct stage *s, enum message_kind m)
{
    answer(&s->keys, m, 2, "");
    stage_reports(s, EVENT_PEER, "a reload that nobody asked of it");
}

/* A promise isn't given up in silence. */
Test(reload, tells_what_is_weaker)
{
    struct stage s;

    open_stage(&s);
    write_conf(&s, "fsync = no\n");
    both_take(&s, 2);
    stage_reports(&s, EVENT_SERVICE, "fsync = no");
    stage_close(&s);
}

Test(reload, an_answer_that_nobody_asked_for)
{
    static const enum message_kind answers[] = { MSG_taken, MSG_not_taken };

    for (int i = 0; i < 2; i++) {
        struct stage s;

        open_stage(&s);
        lie(&s, answers[i]);
        stage_close(&s);
    }
}

/* Whoever asks by the control socket hears of it when it is over: good, bad, or
 * good but for the users file, each time. */
Test(reload, asked_for_by_sallyportctl)
{
    struct stage s;
    struct caller c;
    struct packet p;

    open_stage(&s);
    stage_users(&s, "# nobody\n");
    caller_enter(&s, &c);
    ask_anew(&s, &c);
    both_answer(&s, 2);
    caller_hears(&c, MSG_control_done, &p);
    hear_number(&s.keys, MSG_key_gone, 1);
    stage_users(&s, "anna:bad\n");
    for (uint64_t i = 3; i < 5; i++) {
        ask_anew(&s, &c);
        both_answer(&s, i);
        caller_hears(&c, MSG_control_refused, &p);
        cr_expect_eq(p.value[0].number, REFUSAL_BAD_FILE);
        cr_expect(
            memmem(p.value[1].text.ptr, p.value[1].text.len, "users:1:", 8));
        hear_number(&s.keys, MSG_key_gone, i - 1);
    }
    write_conf(&s, "nosuch = 1\n");
    caller_asks(&c, MSG_reload, NULL);
    caller_hears(&c, MSG_control_refused, &p);
    cr_expect(memmem(p.value[1].text.ptr, p.value[1].text.len, "nosuch", 6));
    caller_leave(&c);
    stage_close(&s);
}

static void hurry(struct master *m)
{
    with_conf(m);
    m->deadlines.take = 200;
}

static void open_hurried(struct stage *s, struct caller *c)
{
    stage_open(s, hurry);
    write_conf(s, "");
    hear_number(&s->keys, MSG_keys_client, PROCESS_GATE);
    caller_enter(s, c);
}

static void caller_is_told(struct caller *c, const char *words)
{
    struct packet p;

    caller_hears(c, MSG_control_refused, &p);
    cr_expect_eq(p.value[0].number, REFUSAL_BAD_FILE);
    cr_expect(
        memmem(p.value[1].text.ptr, p.value[1].text.len, words, strlen(words)),
        "%.*s", (int)p.value[1].text.len, p.value[1].text.ptr);
}

/* It signs nothing either; the one that comes after it has the old keys. */
Test(reload, keys_is_silent)
{
    struct stage s;
    struct caller c;

    open_hurried(&s, &c);
    ask_anew(&s, &c);
    keys_are_asked(&s, 2, 2);
    caller_is_told(&c, "keys does not answer");
    stage_reports(&s, EVENT_SERVICE, "certificates stay: keys does not answer");
    actor_again(&s, &s.keys);
    stage_serves(&s);
    caller_leave(&c);
    stage_close(&s);
}

static void gate_falls_silent(struct stage *s, struct caller *c)
{
    open_hurried(s, c);
    ask_anew(s, c);
    keys_are_asked(s, 2, 2);
    answer(&s->keys, MSG_taken, 2, "");
    gate_is_asked(s, 2, 2);
    caller_is_told(c, "gate does not answer");
    stage_reports(s, EVENT_SERVICE, "certificates stay: gate does not answer");
    caller_asks(c, MSG_reload, NULL);
    caller_is_told(c, "gate still owes the answer");
    hear_number(&s->gate, MSG_give_up, 2);
}

/* Its sessions go on, and so does it. */
Test(reload, gate_is_silent)
{
    struct stage s;
    struct caller c;
    struct packet p;

    gate_falls_silent(&s, &c);
    answer(&s.gate, MSG_not_taken, 2, "given up");
    hear_number(&s.keys, MSG_key_gone, 2);
    ask_anew(&s, &c);
    both_answer(&s, 3);
    caller_hears(&c, MSG_control_done, &p);
    hear_number(&s.keys, MSG_key_gone, 1);
    caller_leave(&c);
    stage_serves(&s);
    stage_close(&s);
}

/* It had taken them before it heard: keys keeps those that gate uses. */
Test(reload, gate_answers_too_late)
{
    struct stage s;
    struct caller c;

    gate_falls_silent(&s, &c);
    answer(&s.gate, MSG_taken, 2, "");
    stage_reports(&s, EVENT_SERVICE, "are in use");
    hear_number(&s.keys, MSG_key_gone, 1);
    caller_leave(&c);
    both_take(&s, 3);
    stage_close(&s);
}

Test(reload, gate_is_silent_and_dies)
{
    struct stage s;
    struct caller c;
    struct player p;

    gate_falls_silent(&s, &c);
    actor_die(&s.gate);
    hear_number(&s.keys, MSG_key_gone, 2);
    actor_again(&s, &s.gate);
    hear_number(&s.keys, MSG_keys_client, PROCESS_GATE);
    player_enter(&s, &p, 1); /* master knows that it is ready */
    hear_number(&s.keys, MSG_keys_client, PROCESS_SESSION);
    caller_leave(&c);
    both_take(&s, 3);
    player_leave(&p);
    stage_close(&s);
}

static void write_ocsp(const struct stage *s, const char *content)
{
    char path[128];
    FILE *f;

    snprintf(path, sizeof(path), "%s/ocsp", s->folder);
    if (!content) {
        cr_assert_eq(unlink(path), 0);
        return;
    }
    f = fopen(path, "w");
    cr_assert(f && fputs(content, f) >= 0);
    fclose(f);
}

/* Gate is given the response of that pair, or none. */
static void gate_takes(struct stage *s, uint64_t key, bool staple)
{
    struct packet p;

    hup(s);
    keys_are_asked(s, key, key);
    answer(&s->keys, MSG_taken, key, "");
    actor_hear(&s->gate, MSG_conf, &p);
    packet_close(&p);
    hear_number(&s->gate, MSG_certificate, key);
    if (staple) {
        actor_hear(&s->gate, MSG_staple, &p);
        cr_expect_eq(p.value[0].number, key);
        cr_expect_eq(p.value[1].number, 0, "no --check");
        packet_close(&p);
    }
    hear_number(&s->gate, MSG_take, key);
    actor_say(&s->gate,
              (struct packet){ .message = MSG_pair_is,
                               .value = { NUMBER(key), NUMBER(4000),
                                          NUMBER(staple ? 3000 : 0) } });
    answer(&s->gate, MSG_taken, key, "");
    stage_reports(s, EVENT_SERVICE, "are in use");
}

static void status_has(struct caller *c, const char *ocsp, uint64_t expires,
                       uint64_t until)
{
    struct packet p;

    caller_asks(c, MSG_status, NULL);
    caller_hears(c, MSG_status_listener, &p);
    caller_hears(c, MSG_status_certificate, &p);
    cr_expect(
        memmem(p.value[0].text.ptr, p.value[0].text.len, "/certificate", 12));
    cr_expect(slice_equal(p.value[1].text, slice_from(ocsp)), "%.*s",
              (int)p.value[1].text.len, p.value[1].text.ptr);
    cr_expect_eq(p.value[2].number, expires);
    cr_expect_eq(p.value[3].number, until);
    caller_hears(c, MSG_status_is, &p);
}

/* A response comes and goes by a reload; one that isn't there keeps no
 * certificate from being used. */
Test(reload, an_ocsp_response)
{
    char line[160], path[128];
    struct stage s;
    struct caller c;

    open_stage(&s);
    caller_enter(&s, &c);
    status_has(&c, "", 0, 0);
    snprintf(path, sizeof(path), "%s/ocsp", s.folder);
    snprintf(line, sizeof(line), "ocsp_file = %s\n", path);
    write_conf(&s, line);
    write_ocsp(&s, "response");
    gate_takes(&s, 2, true);
    hear_number(&s.keys, MSG_key_gone, 1);
    status_has(&c, path, 4000, 3000);
    write_ocsp(&s, NULL);
    gate_takes(&s, 3, false);
    hear_number(&s.keys, MSG_key_gone, 2);
    status_has(&c, path, 4000, 0);
    actor_say(&s.gate, (struct packet){ .message = MSG_pair_is,
                                        .value = { NUMBER(77) } });
    caller_leave(&c);
    stage_serves(&s); /* a pair that is gone harms nobody */
    stage_close(&s);
}
