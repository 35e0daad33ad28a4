/* "who" and "kick", and the word to the running server after a change of a
 * user: it ends the sessions that the users file no longer lets in. */
#include "sessions.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "sallyport/base/die.h"
#include "sallyport/event/event.h"

#include "ctl.h"
#include "json.h"
#include "server.h"
#include "when.h"

#define SERIAL_DIGITS 16
#define USER_ROOM     256
/* The change is made: nobody shall wait long for the server's word. */
#define EDITED_MS 5000

struct list {
    struct server *server;
    json_t *json; /* or NULL */
    uint64_t now, count;
};

static int lie(struct context *x, const char *what)
{
    return ctl_fail(x, EX_PROTOCOL, "the server lies: %s", what);
}

/* Fit to print; "-" before login. */
static void user_text(struct slice user, char out[USER_ROOM])
{
    struct buf text;

    buf_init(&text, USER_ROOM - 1);
    if (user.len == 0 || event_escape(user, &text) < 0)
        snprintf(out, USER_ROOM, "%s", user.len == 0 ? "-" : "?");
    else
        slice_copy(buf_slice(&text), out, USER_ROOM);
    buf_release(&text);
}

static void print_one(struct list *l, const struct packet *p)
{
    char user[USER_ROOM], client[ADDRESS_TEXT_MAX], local[ADDRESS_TEXT_MAX];
    char ago[WHEN_MAX];

    if (l->count == 0)
        printf("%-16s %-16s %8s %-24s %s\n", "SERIAL", "USER", "SINCE",
               "CLIENT", "LISTENER");
    user_text(p->value[1].text, user);
    printf("%016" PRIx64 " %-16s %8s %-24s %s\n", p->value[0].number, user,
           when_ago(p->value[4].number, l->now, ago),
           address_port_text(&p->value[2].address, client),
           address_port_text(&p->value[3].address, local));
}

static json_t *time_json(uint64_t seconds)
{
    char when[WHEN_MAX];

    return seconds > 0 ? json_string(when_text(seconds, when)) : json_null();
}

static int add_json(struct list *l, const struct packet *p)
{
    char serial[SERIAL_DIGITS + 1], client[ADDRESS_TEXT_MAX];
    char local[ADDRESS_TEXT_MAX], user[USER_ROOM];
    bool known = p->value[1].text.len > 0;

    snprintf(serial, sizeof(serial), "%016" PRIx64, p->value[0].number);
    user_text(p->value[1].text, user);
    if (json_array_append_new(
            l->json,
            json_pack("{s:s, s:o, s:s, s:s, s:o, s:o}", "serial", serial,
                      "user", known ? json_text(user) : json_null(), "client",
                      address_port_text(&p->value[2].address, client),
                      "listener",
                      address_port_text(&p->value[3].address, local), "since",
                      time_json(p->value[4].number), "logged_in",
                      time_json(p->value[5].number))) == 0)
        return 0;
    return ctl_fail(l->server->x, EX_OSERR, "no memory");
}

static int take_one(struct list *l, const struct packet *p)
{
    int code = 0;

    if (l->json)
        code = add_json(l, p);
    else
        print_one(l, p);
    l->count++;
    return code;
}

/* From place *at on; the place of the next page, 0 for none. */
static int ask_page(struct list *l, uint64_t *at)
{
    struct packet p, request = { .message = MSG_WHO, .value = { NUMBER(*at) } };
    struct server *s = l->server;
    int code = server_ask(s, &request, &p);

    while (code == 0 && p.message == MSG_WHO_IS) {
        code = take_one(l, &p);
        if (code == 0)
            code = server_next(s, &request, &p);
    }
    if (code)
        return code;
    if (p.message != MSG_WHO_END)
        return lie(s->x, "no answer to who");
    if (p.value[0].number != 0 && p.value[0].number <= *at)
        return lie(s->x, "sessions without end");
    *at = p.value[0].number;
    return 0;
}

static int ask_all(struct list *l)
{
    uint64_t at = 0;
    int code;

    do
        code = ask_page(l, &at);
    while (code == 0 && at > 0);
    return code;
}

int server_who(struct context *x)
{
    struct server s;
    struct list l = { .server = &s,
                      .json = x->args.json ? json_array() : NULL,
                      .now = (uint64_t)time(NULL) };
    int code = server_open(&s, x);

    if (code == 0)
        code = ask_all(&l);
    if (code == 0 && x->args.json)
        code = json_write(x, l.json);
    else
        json_decref(l.json);
    if (code == 0 && !x->args.json && l.count == 0)
        puts("nobody is connected");
    server_close(&s);
    return code;
}

/* Decided by its form: an address, 16 hexadecimal digits, else a user. */
static int read_word(struct context *x, const char *word, struct packet *p)
{
    if (address_parse(slice_from(word), &p->value[2].address) == 0)
        return 0;
    p->value[2].address = (struct address){ 0 };
    if (strlen(word) == SERIAL_DIGITS &&
        strspn(word, "0123456789abcdefABCDEF") == SERIAL_DIGITS) {
        p->value[0].number = strtoull(word, NULL, 16);
        return 0;
    }
    p->value[1].text = slice_from(word);
    if (user_name_ok(p->value[1].text))
        return 0;
    return ctl_fail(x, EX_USAGE,
                    "%s: neither a user's name, nor a serial (16 hexadecimal "
                    "digits), nor an IP address; run: sallyportctl who",
                    word);
}

/* REQUEST's answer is a number of sessions. */
static int ask_ended(struct context *x, struct packet *request, uint64_t *ended)
{
    struct server s;
    struct packet p;
    int code = server_open(&s, x);

    if (code == 0)
        code = server_ask(&s, request, &p);
    if (code == 0 && p.message != MSG_ENDED)
        code = lie(x, "no answer to a kick");
    if (code == 0)
        *ended = p.value[0].number;
    server_close(&s);
    return code;
}

static void print_ended(uint64_t ended)
{
    printf("%" PRIu64 " session%s ended\n", ended, ended == 1 ? "" : "s");
}

int server_kick(struct context *x)
{
    struct packet request = { .message = MSG_END_SESSIONS };
    uint64_t ended = 0;
    int code = read_word(x, x->args.word[1], &request);

    if (code == 0)
        code = ask_ended(x, &request, &ended);
    if (code == 0 && ended == 0)
        return ctl_fail(x, EX_NOUSER,
                        "%s has no session; run: sallyportctl who",
                        x->args.word[1]);
    if (code == 0)
        print_ended(ended);
    return code;
}

void sessions_edited(struct context *x)
{
    struct packet request = { .message = MSG_USERS_EDITED };
    uint64_t ended = 0;
    int patience = x->patience;
    int code;

    x->patience = EDITED_MS;
    code = ask_ended(x, &request, &ended);
    x->patience = patience;
    if (code == 0 && ended > 0)
        print_ended(ended);
    if (code != 0 && code != EX_UNAVAILABLE)
        say("the running server could not be told of it: %s; it looks by "
            "itself within 10 s",
            x->complaint.text);
    x->complaint.text[0] = '\0';
}
