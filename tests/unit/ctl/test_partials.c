/* "partials list" and "partials purge". The test plays the server and processes
 * files: the output, and the effect of a files that lies. */
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <sys/socket.h>

#include "fake_server.h"
#include "sallyport/ipc/channel.h"
#include "world.h"

TestSuite(partials, .init = world_make, .fini = world_remove);

#define USERS                                                                  \
    "anna:!:70000:70000::/h::\n"                                               \
    "bert:!:70001:70001::/i::\n"

static void says_partial(struct channel *files, const struct message *find,
                         const char *path, const char *is_for, uint64_t bytes,
                         enum partial_state state)
{
    FAKE_SAYS(files, find, partial, .path = slice_from(path),
              .name = slice_from(is_for), .bytes = bytes, .state = state);
}

static void says_end(struct channel *files, const struct message *find,
                     uint64_t unread, int error)
{
    FAKE_SAYS(files, find, partials_end, .unread = unread, .error = error);
}

static void finds_two(struct channel *c)
{
    struct channel files = { .fd = -1 };
    struct message find;

    if (fake_hands_on(c, &files, &find)) {
        says_partial(&files, &find, "/a b.part", "", 5, PARTIAL_RESTS);
        says_partial(&files, &find, "/x\n\033\xff.part", "r\"\t.pdf", 7,
                     PARTIAL_IN_USE);
        says_end(&files, &find, 0, 0);
    }
    channel_close(&files);
}

Test(partials, list)
{
    const struct run *r;
    json_t *all, *one;

    file_write(world.users, USERS);
    fake_begin(finds_two);
    r = expect_run(0, "", "partials list anna");
    cr_expect_not_null(strstr(r->out, "USER "), "%s", r->out);
    cr_expect_not_null(strstr(r->out, " waiting   /a b.part\n"), "%s", r->out);
    cr_expect_not_null(strstr(r->out, " uploading /x\\x0a\\x1b\\xff.part for "
                                      "\"r\\x22\\x09.pdf\"\n"),
                       "%s", r->out);
    r = expect_run(0, "", "partials list --json"); /* of both */
    all = json_loads(r->out, 0, NULL);
    cr_assert_not_null(all, "%s", r->out);
    cr_assert_eq(json_array_size(all), 4);
    one = json_array_get(all, 2);
    cr_expect_str_eq(json_string_value(json_object_get(one, "user")), "bert");
    cr_expect_str_eq(json_string_value(json_object_get(one, "path")),
                     "/a b.part");
    cr_expect(json_is_null(json_object_get(one, "for")));
    cr_expect_eq(json_integer_value(json_object_get(one, "bytes")), 5);
    cr_expect_str_eq(json_string_value(json_object_get(one, "modified")),
                     "1970-01-01T00:00:00Z");
    one = json_array_get(all, 3);
    cr_expect_str_eq(json_string_value(json_object_get(one, "path")),
                     "/x\n\033?.part");
    cr_expect_str_eq(json_string_value(json_object_get(one, "for")),
                     "r\"\t.pdf");
    cr_expect_str_eq(json_string_value(json_object_get(one, "state")),
                     "uploading");
    json_decref(all);
    fake_end();
}

static void finds_nothing(struct channel *c)
{
    struct channel files = { .fd = -1 };
    struct message find;

    if (fake_hands_on(c, &files, &find))
        says_end(&files, &find, 0, 0);
    channel_close(&files);
}

Test(partials, list_of_nothing)
{
    file_write(world.users, USERS);
    fake_begin(finds_nothing);
    cr_expect_str_eq(expect_run(0, "", "partials list")->out, "");
    cr_expect_str_eq(expect_run(0, "", "partials list --json")->out, "[]\n");
    file_write(world.users, "");
    cr_expect_str_eq(expect_run(0, "", "partials list")->out, "");
    fake_end();
}

/* The request to files comes back as bytes. */
static void echoes(struct channel *c)
{
    struct channel files = { .fd = -1 };
    struct message find;

    if (fake_hands_on(c, &files, &find)) {
        says_partial(&files, &find, "/p", "", find.partials_find.age,
                     find.partials_find.remove ? PARTIAL_REMOVED
                                               : PARTIAL_RESTS);
        says_end(&files, &find, 0, 0);
    }
    channel_close(&files);
}

Test(partials, what_is_asked)
{
    static const struct {
        const char *words, *line;
    } rows[] = {
        { "partials list anna", " 0 " },
        { "partials list anna --older-than 2", " 172800 " },
        { "partials list anna --older-than 36500", " 3153600000 " },
        { "partials purge anna", " 604800 " }, /* partial_days */
        { "partials purge anna --all", "1 removed, 0 bytes; 0 being" },
        { "partials purge anna --older-than 0", "1 removed, 0 bytes; 0 being" },
        { "partials purge anna --older-than 1", "1 removed, 86400 bytes" },
    };

    fake_begin(echoes);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct run *r = expect_run(0, "", rows[i].words);

        cr_expect_not_null(strstr(r->out, rows[i].line), "%s: %s",
                           rows[i].words, r->out);
        cr_expect_eq(strstr(r->out, "removed") != NULL,
                     strstr(rows[i].words, "purge") != NULL);
    }
    fake_end();
}

static void fails_to_read(struct channel *c)
{
    struct channel files = { .fd = -1 };
    struct message find;

    if (fake_hands_on(c, &files, &find)) {
        says_partial(&files, &find, "/p", "", 1, PARTIAL_RESTS);
        says_end(&files, &find, 3, 13);
    }
    channel_close(&files);
}

static void cant_remove(struct channel *c)
{
    struct channel files = { .fd = -1 };
    struct message find;

    if (fake_hands_on(c, &files, &find)) {
        says_partial(&files, &find, "/p", "", 1, PARTIAL_STAYS);
        says_end(&files, &find, 0, 0);
    }
    channel_close(&files);
}

static void breaks_off(struct channel *c)
{
    struct channel files = { .fd = -1 };
    struct message find;

    if (fake_hands_on(c, &files, &find))
        says_partial(&files, &find, "/p", "", 1, PARTIAL_RESTS);
    channel_close(&files);
}

static void has_a_strange_state(struct channel *c)
{
    struct channel files = { .fd = -1 };
    struct message find;

    if (fake_hands_on(c, &files, &find)) {
        says_partial(&files, &find, "/p", "", 1, PARTIAL_STATE_COUNT);
        says_end(&files, &find, 0, 0);
    }
    channel_close(&files);
}

static void answers_another(struct channel *c)
{
    struct channel files = { .fd = -1 };
    struct message find;

    if (fake_hands_on(c, &files, &find)) {
        find.request += 7;
        says_end(&files, &find, 0, 0);
    }
    channel_close(&files);
}

static void speaks_as_files_of_a_session(struct channel *c)
{
    struct channel files = { .fd = -1 };
    struct message find;

    if (fake_hands_on(c, &files, &find)) {
        files.peer =
            PROCESS_SESSION; /* passes the check at the test's own end */
        FAKE_SAYS(&files, &find, done);
    }
    channel_close(&files);
}

static void speaks_as_master(struct channel *c)
{
    struct channel files = { .fd = -1 };
    struct message find;

    if (fake_hands_on(c, &files, &find)) {
        files.self = PROCESS_MASTER;
        FAKE_SAYS(&files, &find, control_done);
    }
    channel_close(&files);
}

static void gives_no_channel(struct channel *c)
{
    struct message m;

    fake_welcome(c);
    if (fake_hears(c, &m))
        FAKE_SAYS(c, &m, control_done);
}

static void gives_no_socket(struct channel *c)
{
    int fd = open("/dev/null", O_RDWR);
    struct message m;

    fake_welcome(c);
    if (fake_hears(c, &m))
        FAKE_SAYS(c, &m, partials_channel, .files = fd);
    close(fd);
}

static const struct {
    fake_play *play;
    int code;
    const char *complaint;
} lies[] = {
    { fails_to_read, EX_IOERR, "3 directories could not be read: Perm" },
    { cant_remove, EX_IOERR, "some could not be removed" },
    { breaks_off, EX_TEMPFAIL, "its files hung up" },
    { has_a_strange_state, EX_PROTOCOL, "unknown or malformed" },
    { answers_another, EX_PROTOCOL, "an answer without a request" },
    { speaks_as_files_of_a_session, EX_PROTOCOL, "not this peer's" },
    { speaks_as_master, EX_PROTOCOL, "not this peer's" },
    { gives_no_channel, EX_PROTOCOL, "the server gives no files" },
    { gives_no_socket, EX_TEMPFAIL, "its files hung up" },
};

Test(partials, lies)
{
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        const struct run *r;

        fake_begin(lies[i].play);
        r = expect_run(lies[i].code, "", "partials list anna");
        cr_expect_not_null(strstr(r->err, lies[i].complaint), "%s", r->err);
        r = expect_run(lies[i].code, "", "partials list anna --json");
        json_t *all = json_loads(r->out, 0, NULL);
        cr_expect_not_null(all, "%s", r->out); /* complete in any case */
        json_decref(all);
        fake_end();
    }
}

/* The request fails for one user: the output says for whom, and the next user's
 * partials are found. The exit code is that of the first failure. */
static void fails_with_anna(struct channel *c)
{
    struct channel files = { .fd = -1 };
    struct message m, find;
    int ends[2];

    fake_welcome(c);
    if (!fake_hears(c, &m))
        return;
    if (slice_equal(m.partials.user, SLICE("anna"))) {
        FAKE_SAYS(c, &m, control_refused, .refusal = REFUSAL_HOME,
                  .why = SLICE("closed"));
        return;
    }
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) < 0)
        return;
    FAKE_SAYS(c, &m, partials_channel, .files = ends[0]);
    close(ends[0]);
    channel_init(&files, ends[1], PROCESS_FILES, PROCESS_CTL, PHASE_IDLE);
    if (fake_hears(&files, &find)) {
        says_partial(&files, &find, "/p", "", 1, PARTIAL_RESTS);
        says_end(&files, &find, 0, 0);
    }
    channel_close(&files);
}

Test(partials, goes_on_with_the_next_user)
{
    const struct run *r;

    file_write(world.users, USERS);
    fake_begin(fails_with_anna);
    r = expect_run(EX_NOINPUT, "", "partials list");
    cr_expect_not_null(strstr(r->err, "anna: closed\n"), "%s", r->err);
    cr_expect_not_null(strstr(r->out, "bert "), "%s", r->out);
    fake_end();
}
