/* A blind drop: a user who may only write sees nothing, not even whether a name
 * is taken. An upload that was cut can still be resumed. */
#include <ctype.h>

#include "places.h"
#include "renames.h"
#include "steps.h"
#include "support/cast.h"
#include "support/long.h"
#include "syncs.h"

#define K      1024u
#define DROP   "/../../shares/drop"
#define REPORT DROP "/report.pdf"

Test(blind, names)
{
    static const struct {
        const char *name, *blind;
    } rows[] = {
        { "report.pdf", "report.7f3a9c21.pdf" },
        { "a.tar.gz", "a.7f3a9c21.tar.gz" },
        { "a.b.c", "a.b.7f3a9c21.c" },
        { "plain", "plain.7f3a9c21" },
        { ".profile", ".profile.7f3a9c21" },
        { "dot.", "dot.7f3a9c21." },
    };
    char name[NAME_MAX + 1], out[NAME_MAX + 1];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        other_random(rows[i].name, 0x7f3a9c21, out, sizeof(out));
        cr_expect_str_eq(out, rows[i].blind, "%s", out);
    }
    other_random("a", 7, out, sizeof(out));
    cr_expect_str_eq(out, "a.00000007", "always eight digits");
    memset(name, 'x', NAME_MAX);
    memcpy(name + NAME_MAX - 4, ".pdf", 5);
    other_random(name, 0x7f3a9c21, out, sizeof(out));
    cr_expect_eq(strlen(out), NAME_MAX);
    cr_expect_str_eq(out + NAME_MAX - 13, ".7f3a9c21.pdf");
}

/* Replaces eight hexadecimal digits after a dot by '#'. */
static void hide_digits(char *text)
{
    for (char *at = text; (at = strchr(at, '.')); at++)
        if (strspn(at + 1, "0123456789abcdef") == 8)
            memset(at + 1, '#', 8);
}

struct record {
    char text[1 << 16];
    size_t len;
};

static void note(struct record *r, const char *what, int outcome,
                 const char *more)
{
    r->len += (size_t)snprintf(r->text + r->len, sizeof(r->text) - r->len,
                               "%s: %d %s\n", what, outcome, more);
    cr_assert_lt(r->len, sizeof(r->text));
}

static void play_facts(struct peer *p, struct record *r, const char *path)
{
    for (enum facts_for what = 0; what < FACTS_FOR_COUNT; what++) {
        char text[256];
        int o = ask_facts(p, path, what);

        snprintf(text, sizeof(text), "%d %lu %ld %lx %lo %lu %lu", p->are.kind,
                 p->are.size, p->are.mtime, p->are.perm, p->are.mode,
                 p->are.device, p->are.inode);
        note(r, path, o, text);
    }
}

static void play_lists(struct peer *p, struct record *r, const char *path)
{
    for (enum list_format l = 0; l < LIST_FORMAT_COUNT; l++) {
        int o = ask_list(p, path, l, path);

        note(r, path, o * 100 + p->listed, p->text ? p->text : "");
    }
}

/* Renames the user's own file to PATH, and then back on the disk. */
static void play_rename_onto(struct peer *p, struct record *r, const char *path)
{
    char from[4200];
    int o = ask_rename(p, "/drop/mine.bin", path);

    snprintf(from, sizeof(from), "/../../shares%s", p->stored);
    if (o == OUTCOME_OK)
        disk_rename(p, from, DROP "/mine.bin");
    hide_digits(p->stored);
    note(r, path, o, p->stored);
}

static void play_changes(struct peer *p, struct record *r, const char *path)
{
    static const enum message_kind changes[] = { MSG_file_delete,
                                                 MSG_directory_enter,
                                                 MSG_directory_make,
                                                 MSG_directory_remove };
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
        note(r, path, ask_path(p, changes[i], path), message_name(changes[i]));
    note(r, path, ask_read(p, path, 0, NULL), "read");
    note(r, path, ask_rename(p, path, "/drop/other"), "from");
    note(r, path, ask_rename(p, "/drop/other", path), "to");
    note(r, path, ask_rename(p, "/own", path), "into");
    play_rename_onto(p, r, path);
    note(r, path, ask_times(p, path, 5, 5), "times");
    note(r, path, ask_mode(p, path, 0777), "mode");
    note(r, path, ask_space(p, path, 0), "space");
}

static void play_uploads(struct peer *p, struct record *r, const char *path)
{
    static const enum write_mode modes[] = { WRITE_APPEND, WRITE_UNIQUE,
                                             WRITE_STORE };

    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
        for (uint64_t rest = 0; rest < 2; rest++) {
            int o = ask_upload(p, path, modes[i], rest, 10, 3);

            p->stored[0] = '\0';
            note(r, path, o, "begin");
            if (o == OUTCOME_OK)
                o = ask_commit(p, 10);
            if (p->stored[0])
                note(r, "its own", ask_times(p, p->stored, 5, 5), "times");
            if (p->stored[0])
                note(r, "its own", ask_path(p, MSG_file_delete, p->stored), "");
            hide_digits(p->stored);
            note(r, path, o, p->stored);
        }
}

static void play(struct peer *p, struct record *r)
{
    static const char *const paths[] = {
        "/drop",   "/drop/report.pdf", "/drop/report.pdf/x",
        "/drop/d", "/drop/d/x",
    };

    r->len = 0;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        play_facts(p, r, paths[i]);
        play_lists(p, r, paths[i]);
        play_changes(p, r, paths[i]);
        play_uploads(p, r, paths[i]);
    }
    play_lists(p, r, "/");
    play_lists(p, r, "/drop/*");
    play_lists(p, r, "/drop/report*");
}

static void expect_same(const struct record *without, const struct record *with,
                        const char *what)
{
    const char *a = without->text, *b = with->text;

    while (*a && *a == *b) {
        a++;
        b++;
    }
    cr_expect_str_eq(a, b, "%s: %.60s\n-- but:\n%.60s", what, a, b);
}

/* With the right "mine" a user sees directories, and only the user's own
 * files. */
#define MINE ((RIGHT_ALL & ~RIGHT_DIRECTORY) | RIGHT_MINE)

/* Gives PATH to another user, with this MODE; 0: keeps the mode. */
static void give_to_other(struct peer *p, const char *path, mode_t mode)
{
    cr_assert_eq(lchown(disk_path(p, path), PEER_UID + 1, (gid_t)-1), 0);
    cr_assert(mode == 0 || chmod(disk_path(p, path), mode) == 0);
}

static const char *const others_why_not[] = {
    [NAME_IS_GONE] = "it is the run without the name",
    [NAME_IS_REPLACED] = "it is a file, and nobody has seen the first",
};
DIMENSION_ROWS(others_why_not, NAME_IS_COUNT);

/* Each request gets the same answer whether the name is free, or taken by a
 * thing that, in a MINE share, belongs to another user. */
static void play_with(enum conflict c, enum name_is is, bool mine)
{
    static struct record without, with;
    struct peer *p = peer_new();
    const char *at;

    PLAY(p, SHARES("/drop", mine ? MINE : RIGHT_WRITE), PUT("/own", "x"),
         p->start.rules.on_conflict = c);
    if (mine)
        disk_fill(p, DROP "/mine.bin", 20, 2);
    PLAY(p, RUN());
    play(p, &without);
    PLAY(p, AGAIN(), FILL(DROP "/there", 50, 1));
    at = names_make(p, is, REPORT);
    if (is != NAME_IS_DIRECTORY)
        PLAY(p, BITS(at, 0666));
    if (mine) {
        give_to_other(p, DROP "/there", 0);
        give_to_other(p, at, 0);
    } else { /* with u a session sees directories */
        PLAY(p, DIRECTORY(DROP "/d"), PUT(DROP "/d/x", "x"));
    }
    play(p, &with);
    expect_same(&without, &with, name_is_words[is]);
    cr_expect_eq(strstr(with.text, "mine.bin") != NULL, mine, "listed");
    cr_expect(is == NAME_IS_DIRECTORY ? disk_has(p, at)
                                      : disk_is(p, at, 50, 1));
    peer_stop(p);
}

/* Plays each on_conflict and each kind of thing; in a short run those other
 * than a file and, with MINE, a link take turns. */
static void play_with_each(bool mine)
{
    for (enum conflict c = 0; c < CONFLICT_COUNT; c++)
        for (enum name_is is = 0; is < NAME_IS_COUNT; is++)
            if (!others_why_not[is] && !(mine && is == NAME_IS_DIRECTORY) &&
                (is_long() || is == NAME_IS_FILE || is % CONFLICT_COUNT == c ||
                 (mine && is == NAME_IS_LINK)))
                play_with(c, is, mine);
}

Test(blind, with_and_without_the_name)
{
    play_with_each(false);
}

/* The file that stands at the names when a session renames its upload a.part.
 */
enum stands {
    ONLY_OWN,
    TAKEN,    /* the new name is another file's */
    REMOVED,  /* the upload has gone, */
    REPLACED, /* or another file has its name, */
    REMADE,   /* and perhaps its inode, too */
    STANDS,
};

/* Only what this session has stored can be renamed, in the drop, and it gets a
 * suffix whatever on_conflict says. All else is "not found", and stays. */
Test(blind, renames, .timeout = 60)
{
    static const struct {
        const char *from, *to; /* from NULL: the name that the upload got */
        int asked, done;
    } rows[] = {
        { "/drop/a.part", "/drop/b.pdf", OUTCOME_OK, OUTCOME_OK },
        { NULL, "/drop/b.pdf", OUTCOME_OK, OUTCOME_OK },
        { "/drop/a.part", "/drop/a.part", OUTCOME_OK, OUTCOME_OK },
        { "/drop/a.part", "/b.pdf", OUTCOME_OK, OUTCOME_BETWEEN_MOUNTS },
        { "/drop/a.part", "/read/b", OUTCOME_OK, OUTCOME_NO_RIGHT },
        { "/drop/a.part", "/drop/d/b", OUTCOME_OK, OUTCOME_NOT_FOUND },
        { "/drop/a.part", "/drop", OUTCOME_OK, OUTCOME_MOUNT },
        { "/drop/a.part", "/drop/.sallyport-b", OUTCOME_OK, OUTCOME_BAD_NAME },
        { "/drop/foreign", "/drop/b.pdf", OUTCOME_NOT_FOUND,
          OUTCOME_NOT_FOUND },
        { "/drop/none", "/drop/b.pdf", OUTCOME_NOT_FOUND, OUTCOME_NOT_FOUND },
        { "/drop/d", "/drop/b.pdf", OUTCOME_NOT_FOUND, OUTCOME_NOT_FOUND },
        { "/drop/d/x", "/drop/b.pdf", OUTCOME_NOT_FOUND, OUTCOME_NOT_FOUND },
        { "/drop", "/drop/b.pdf", OUTCOME_MOUNT, OUTCOME_MOUNT },
        { "/a.part", "/drop/b.pdf", OUTCOME_OK, OUTCOME_BETWEEN_MOUNTS },
    };
    const size_t count = sizeof(rows) / sizeof(rows[0]);
    const size_t stride = is_long() ? 1 : 3; /* shares no factor with them */
    struct peer *p = NULL;

    for (size_t n = 0; n < count * STANDS * CONFLICT_COUNT; n += stride) {
        const size_t i = n % count;
        const enum stands stands = n / count % STANDS;
        const enum conflict conflict = (enum conflict)(n / count / STANDS);
        char stored[4200] = "/../../shares";

        if (!p || p->start.rules.on_conflict != conflict) {
            if (p)
                peer_stop(p);
            p = peer_new();
            PLAY(p, p->start.rules.on_conflict = conflict,
                 SHARES("/drop", RIGHT_WRITE),
                 SHARES("/read", RIGHT_LIST | RIGHT_READ), DIRECTORY(DROP "/d"),
                 PUT(DROP "/d/x", "x"), PUT("/a.part", "home"), RUN());
        }
        disk_empty(p, DROP);
        PLAY(p, STOR("/drop/a.part", 100, 2), PUT(DROP "/foreign", "x"));
        strcat(stored, p->stored);
        if (stands == TAKEN)
            disk_put(p, DROP "/b.pdf", "taken", 5);
        if (stands == REMOVED || stands == REPLACED)
            disk_rename(p, stored, DROP "/collected");
        if (stands == REMADE) {
            const struct stat old = disk_stat(p, stored);

            do /* until the clock of the disk has moved on */
                disk_put(p, "/tick", "x", 1);
            while (disk_stat(p, "/tick").st_ctim.tv_nsec ==
                   old.st_ctim.tv_nsec);
            cr_assert_eq(unlink(disk_path(p, stored)), 0);
        }
        if (stands >= REPLACED)
            disk_fill(p, stored, 70, 3);

        const char *virtual = stored + strlen("/../../shares"),
                   *from = rows[i].from ? rows[i].from : virtual;
        const int o = rows[i].done == OUTCOME_OK && stands >= REMOVED
                          ? (int)OUTCOME_NOT_FOUND
                          : rows[i].done;

        cr_expect_eq(ask_facts(p, from, FACTS_FOR_RENAME), rows[i].asked);
        const int done = ask_rename(p, from, rows[i].to);
        cr_expect_eq(done, o, "%zu, %d: %d", i, stands, done);
        if (o == OUTCOME_OK) {
            char now[4200];

            snprintf(now, sizeof(now), "/../../shares%s", p->stored);
            cr_expect(disk_is(p, now, 100, 2) && !disk_has(p, stored), "%s",
                      now);
            cr_expect(i == 2 ||
                      !disk_has(p, DROP "/b.pdf") == (stands != TAKEN));
            hide_digits(p->stored);
            PLAY(p,
                 STORED(i == 2 ? "/drop/a.########.part"
                               : "/drop/b.########.pdf"),
                 RNFR(i == 2 ? virtual : "/drop/a.part", NOT_FOUND),
                 RNTO(rows[i].to, "/drop/c"), AGAIN(),
                 RNFR("/drop/c", NOT_FOUND),
                 RNTO("/drop/c", "/drop/e", NOT_FOUND));
        } else if (stands >= REMOVED) {
            cr_expect(stands == REMADE ||
                      disk_is(p, DROP "/collected", 100, 2));
            cr_expect_eq(disk_has(p, stored), stands != REMOVED);
        } else {
            cr_expect(disk_is(p, stored, 100, 2));
        }
    }
    peer_stop(p);
}

/* A session sees what it has stored, as it was then, and under the names that
 * it has given; a rest of it becomes no file. Another session sees nothing. */
Test(blind, what_the_session_has_stored)
{
    struct peer *p = peer_new();
    char stored[4200], name[32];

    PLAY(p, SHARES("/drop", RIGHT_WRITE), RUN(), STOR("/drop/a", 100, 2));
    snprintf(stored, sizeof(stored), "/../../shares%s", p->stored);
    DONE(ask_times(p, "/drop/a", 5, 7));
    cr_expect_eq(disk_stat(p, stored).st_mtime, 7);
    PLAY(p, PUT(stored, "changed by another"), MLST("/drop/a"));
    cr_expect(p->are.size == 100 && p->are.mtime == 7 && p->are.device == 0);
    GETS(NOT_FOUND, ask_facts(p, "/drop/a", FACTS_FOR_SIZE));
    GETS(IN_DROP, ask_read(p, "/drop/a", 0, NULL));
    for (enum list_format l = 0; l < LIST_FORMAT_COUNT; l++) {
        DONE(ask_list(p, "/drop", l, ""));
        cr_expect_eq(p->entries, 1, "%s", p->text);
        DONE(ask_list(p, "/", l, ""));
        cr_expect_eq(p->entries, 1, "%s", p->text);
    }
    PLAY(p, OPENS(APPEND, "/drop/a", 0, 0, SEND_WHOLE),
         OPENS(STORE, "/drop/a", 50, 0, SEND_WHOLE),
         CUTS("/drop/a", 200 * K, 3),
         OPENS(APPEND, "/drop/a", 0, 0, SEND_WHOLE), SIZE("/drop/a", 192 * K),
         APPE("/drop/a", 300 * K, 3), MLST("/drop/a"));
    cr_expect_eq(p->are.size, 300 * K);
    PLAY(p, RNTO("/drop/a", "/drop/b"), MLST("/drop/b"));
    GETS(OK, ask_times(p, "/drop/b", 5, 9));
    GETS(NOT_FOUND, ask_times(p, "/drop/a", 5, 9));

    /* The first of too many is forgotten. */
    for (int i = 0; i < OWN_MAX; i++) {
        snprintf(name, sizeof(name), "/drop/n%d", i);
        DONE(ask_put(p, name, WRITE_STORE, 0, 1, 1));
    }
    PLAY(p, RNFR("/drop/b", NOT_FOUND), RNFR("/drop/n0"), AGAIN(),
         MLST("/drop/n0", NOT_FOUND), LISTS(NAMES, "/drop", 0));
    peer_stop(p);
}

/* The name of STOU is random: it gets no suffix, unless a session under an
 * attacker's control asks for a name that can be guessed. */
Test(blind, a_unique_name)
{
    static const char *const names[] = { "/drop/a.0123456789abcdef.pdf",
                                         "/drop/stou-0123456789abcdef",
                                         "/drop/a.pdf",
                                         "/drop/a.01234567.pdf" };

    for (unsigned held = 0; held < 2; held++)
        for (unsigned mine = 0; mine < 2; mine++)
            for (size_t i = 0; i < 4; i++) {
                struct peer one, *p = &one;

                peer_init(p);
                PLAY(p,
                     SHARES("/drop", (mine ? RIGHT_ALL & ~RIGHT_DIRECTORY
                                           : RIGHT_WRITE) |
                                         (mine ? RIGHT_MINE : 0) |
                                         (held ? RIGHT_INSPECT : 0)),
                     RUN());
                DONE(ask_put(p, names[i], WRITE_UNIQUE, 0, 10, 1));
                cr_expect_eq(strcmp(p->stored, names[i]) == 0, i < 2, "%s",
                             p->stored);
                peer_stop(p);
            }
}

/* The time of a drop is the start of the server, in its facts and in the
 * listing of the directory above: it tells nothing about uploads. */
PeerTest(blind, its_time_is_the_start_of_the_server, peer_init(p))
{
    p->start.rules.since = 1577934245; /* 2020-01-02 03:04:05 UTC */
    PLAY(p, SHARES("/contracts", RIGHT_WRITE), RUN(),
         STOR("/contracts/a", 100, 2), MLST("/contracts"));
    cr_expect_eq(p->are.mtime, 1577934245);
    DONE(ask_list(p, "/", LIST_LONG, ""));
    cr_expect(strstr(p->text, " Jan  2  2020 contracts"), "%s", p->text);
}

/* A cut upload is resumed under the name that the client has sent. curl -C -
 * asks for the size and sends the rest by APPE; other clients use REST and
 * STOR. */
Test(blind, an_upload_goes_on)
{
    struct peer p;

    for (int taken = 0; taken < 2; taken++)
        for (int append = 0; append < 2; append++) {
            peer_init(&p);
            peer_share(&p, "/contracts", RIGHT_WRITE);
            if (taken)
                disk_fill(&p, SHARE "/f.bin", 500 * K, 1);
            PLAY(&p, RUN(), CUTS("/contracts/f.bin", 200 * K, 2), AGAIN());
            uint64_t size = ask_size(&p, "/contracts/f.bin");
            cr_expect_eq(size, 192 * K, "%lu", size);
            DONE(ask_put(&p, "/contracts/f.bin",
                         append ? WRITE_APPEND : WRITE_STORE, append ? 0 : size,
                         300 * K, 2));
            PLAY(&p, PARTIALS(SHARE, 0), SIZE("/contracts/f.bin", 0));
            peer_stop(&p);
        }
}

/* SIZE waits for the upload of another session, which becomes a file meanwhile.
 * SIZE still finds nothing, since a drop shows no file. */
static void play_size_after_an_upload(void)
{
    struct peer p, b;
    struct steps *s;

    peer_init(&p);
    PLAY(&p, SHARES("/contracts", RIGHT_WRITE), FILL(SHARE "/f.bin", 50, 1),
         RUN());
    s = steps_for_next();
    peer_join(&b, &p, false);
    DONE(ask_upload(&p, "/contracts/f.bin", WRITE_STORE, 0, 10, 1));
    steps_hold(s);
    REQUEST(&b.session, facts, .path = SLICE("/contracts/f.bin"),
            .purpose = FACTS_FOR_SIZE);
    cr_assert_eq(steps_next(s, &b), STEPPED_BLOCKED);
    DONE(ask_commit(&p, 10));
    steps_free(s);
    cr_expect_eq(EXPECT(&b.session, refused)->outcome, OUTCOME_NOT_FOUND);
    peer_leave(&b);
    peer_stop(&p);
    steps_end(s);
}

Test(blind, size_after_an_upload)
{
    play_size_after_an_upload();
}

Test(blind, size_after_an_upload_on_nfs)
{
    rename_faults.modes = true;
    play_size_after_an_upload();
}

/* On NFS a shared lock needs a file that is open for reading, and a drop opens
 * none. A second session notices all the same that the partial is in use. */
PeerTest(blind, two_uploads_of_one_name_on_nfs, peer_init(p))
{
    struct peer b;

    PLAY(p, rename_faults.modes = rename_faults.no_flags = true,
         SHARES("/contracts", RIGHT_WRITE), RUN());
    peer_join(&b, p, false);
    DONE(ask_upload(p, "/contracts/f", WRITE_STORE, 0, 10, 1));
    PLAY(&b, SENDS(APPEND, "/contracts/f", 0, 20, 2, BUSY),
         STOR("/contracts/f", 20, 2));
    PLAY(p, COMMIT(10), PARTIALS(SHARE, 0));
    peer_leave(&b);
}

/* If a user may write in the home, but neither list nor read, the home is
 * blind, whatever the other rights are. */
Test(blind, a_home)
{
    static const unsigned rights[] = { RIGHT_WRITE,
                                       RIGHT_ALL & ~(RIGHT_LIST | RIGHT_READ) };
    struct peer p;

    for (int i = 0; i < 2; i++) {
        peer_init(&p);
        p.start.rights = rights[i];
        PLAY(&p, SHARES("/shared", RIGHT_LIST), FILL("/f", 50, 1), RUN());
        DONE(ask_list(&p, "/", LIST_NAMES, ""));
        cr_expect_str_eq(p.text, "shared\r\n", "%s", p.text);
        PLAY(&p, MLST("/f", NOT_FOUND), DELE("/f", IN_DROP),
             APPE("/f", 100, 2));
        cr_expect_eq(strlen(p.stored), strlen("/f.01234567"));
        cr_expect(disk_is(&p, "/f", 50, 1));
        peer_stop(&p);
    }
}

static void put_others(struct peer *p, const char *path, size_t len)
{
    disk_fill(p, path, len, 1);
    give_to_other(p, path, 0666);
}

Test(mine, with_and_without_the_name)
{
    skip_without_root();
    play_with_each(true);
}

/* The user can read, change, list, rename and delete the user's own files. */
PeerTest(mine, own_files, (skip_without_root(), peer_init(p)))
{
    struct peer b;
    char stored[4097];

    PLAY(p, SHARES("/contracts", RIGHT_ALL), RUN(), MKD("/contracts/d"));
    peer_member(&b, p, "bert", MINE);
    DONE(ask_put(&b, "/contracts/a.pdf", WRITE_STORE, 0, 100, 2));
    strcpy(stored, b.stored);
    cr_expect_eq(strlen(stored), strlen("/contracts/a.01234567.pdf"));
    PLAY(&b, SIZE(stored, 100), RETR(stored), MFMT(stored),
         STOR(stored, 50, 3));
    cr_expect_str_eq(stored, b.stored, "over the own file");
    DONE(ask_put(&b, stored, WRITE_APPEND, 0, 70, 3));
    cr_expect_str_eq(stored, b.stored, "APPE to the own file");
    DONE(ask_list(&b, "/contracts", LIST_NAMES, ""));
    cr_expect_eq(b.entries, 2, "the directory and the file: %s", b.text);
    DONE(ask_list(&b, stored, LIST_LONG, stored));
    cr_expect_eq(b.entries, 1, "%s", b.text);
    PLAY(&b, CWD("/contracts/d"), MLST("/contracts/d"));
    cr_expect(b.are.mtime == 0, "what others do in it doesn't show");
    PLAY(&b, RNTO("/contracts/d", "/contracts/e", IN_DROP),
         RNTO(stored, "/contracts/d/b"));
    cr_expect_eq(strlen(b.stored), strlen("/contracts/d/b.01234567"));
    GETS(OK, ask_facts(p, b.stored, FACTS_FOR_ANY));
    PLAY(&b, DELE(b.stored), LEAVE());
}

/* SIZE of what the session has stored invites no client to send a rest, which
 * would become a file; if a client sends one all the same, it is refused. */
static void expect_no_tail(struct peer *b, const char *path, size_t length)
{
    GETS(NOT_FOUND, ask_facts(b, path, FACTS_FOR_PARTIAL));
    PLAY(b, SIZE(path, 0), OPENS(APPEND, path, 0, 0, SEND_WHOLE),
         OPENS(STORE, path, length, 0, SEND_WHOLE));
    ask_facts(b, path, FACTS_FOR_ANY);
    PLAY(b, OPENS(APPEND, path, 0, 0, SEND_WHOLE),
         OPENS(STORE, path, length, 0, SEND_WHOLE));
}

/* The session that has stored a file finds it by the name that it asked for, in
 * each directory; nobody else does, nor after the file was collected. */
PeerTest(mine, names_that_the_client_asked_for,
         (skip_without_root(), peer_init(p)))
{
    static const char *const folders[] = { "/contracts", "/contracts/d" };
    struct peer b, c;

    PLAY(p, SHARES("/contracts", RIGHT_ALL), RUN(), MKD("/contracts/d"));
    peer_member(&b, p, "bert", MINE);
    for (int i = 0; i < 2; i++) {
        char part[64], whole[64], stored[4097];

        snprintf(part, sizeof(part), "%s/x.part", folders[i]);
        snprintf(whole, sizeof(whole), "%s/x", folders[i]);
        PLAY(p, STOR(part, 7, 1)); /* another user's */
        DONE(ask_put(&b, part, WRITE_STORE, 0, 100, 2));
        PLAY(&b, MLST(part), RNFR(part));
        expect_no_tail(&b, part, 100);
        DONE(ask_times(&b, part, 5, 5));
        cr_expect_eq(
            disk_stat(&b, strcat(strcpy(stored, "/../../shares"), b.stored))
                .st_mtime,
            5);
        PLAY(&b, RNTO(part, whole), MLST(part, NOT_FOUND), MLST(whole));
        cr_expect_eq(b.are.size, 100);
        expect_no_tail(&b, whole, 100);
        peer_join(&c, &b, false);
        PLAY(&c, MLST(whole, NOT_FOUND), LEAVE());
        DONE(ask_put(&b, whole, WRITE_STORE, 0, 50, 3));
        PLAY(&b, MLST(whole), STEP_IS(b.are.size, 50), SIZE(b.stored, 50));
        PLAY(p, DELE(b.stored));
        PLAY(&b, MLST(whole, NOT_FOUND), SIZE(whole, 0),
             RNTO(whole, part, NOT_FOUND), MFMT(whole, NOT_FOUND));
        expect_no_tail(&b, whole, 50);
    }
    peer_leave(&b);
}

/* RNFR refuses a name by which the user sees an older file than the upload. If
 * the upload is no longer there, RNFR and RNTO mean the file that the user
 * sees. */
Test(mine, an_older_file_of_the_name)
{
    enum { ANOTHER_NAME, ANOTHER_FILE, WAITS, WAYS };

    skip_without_root();
    for (int way = 0; way < WAYS; way++) {
        struct peer *b = peer_new();
        char path[4097] = "/contracts/x", on_disk[4200] = SHARE "/x";

        ROW("way %d: ", way);
        b->start.rules.on_conflict =
            way == ANOTHER_NAME ? CONFLICT_RENAME : CONFLICT_OVERWRITE;
        PLAY(b, SHARES("/contracts", MINE | (way == WAITS ? RIGHT_INSPECT : 0)),
             FILL(SHARE "/n", 10, 1));
        if (way != ANOTHER_FILE)
            PLAY(b, MOVE(SHARE "/n", SHARE "/x"));
        PLAY(b, RUN(), STOR(path, 100, 2));
        if (way == ANOTHER_FILE) { /* by another session, or a job */
            snprintf(path, sizeof(path), "%s", b->stored);
            snprintf(on_disk, sizeof(on_disk), "/../../shares%s", path);
            PLAY(b, STOR(path, 50, 3), MOVE(SHARE "/n", on_disk));
        }
        if (way == ANOTHER_NAME)
            PLAY(b, RNFR(path, ELSEWHERE), IS(on_disk, 10, 1),
                 RNTO(b->stored, "/contracts/z"));
        if (way == WAITS) /* RNTO serves if the upload was released meanwhile */
            PLAY(b, RNFR(path, WAITS));
        else
            PLAY(b, RNFR(path), STEP_IS(b->are.size, 10));
        PLAY(b, RNTO(path, "/contracts/y"), GONE(on_disk));
        snprintf(on_disk, sizeof(on_disk), "/../../shares%s", b->stored);
        PLAY(b, IS(on_disk, 10, 1));
        if (way == WAITS) /* the upload alone has the name now */
            PLAY(b, MLST(path, WAITS), RNFR(path, WAITS), SIZE(path, 0));
        peer_stop(b);
    }
}

/* Another file gets the name between RNFR and RNTO: RNTO moves neither. */
PeerTest(mine, a_file_that_gets_the_name_later,
         (skip_without_root(), peer_init(p)))
{
    PLAY(p, SHARES("/contracts", MINE), FILL(SHARE "/n", 10, 1), RUN(),
         STOR("/contracts/x", 100, 2), RNFR("/contracts/x"),
         STEP_IS(p->are.size, 100), MOVE(SHARE "/n", SHARE "/x"),
         RNTO("/contracts/x", "/contracts/y", ELSEWHERE), IS(SHARE "/x", 10, 1),
         UNLINK(SHARE "/x"), RNFR("/contracts/x"),
         RNTO("/contracts/x", "/contracts/y"));
}

/* The owner of the opened file decides, not the owner of an earlier file with
 * this name. */
PeerTest(mine, a_file_that_changes_its_owner,
         (skip_without_root(), peer_init(p)))
{
    PLAY(p, SHARES("/contracts", MINE), FILL(SHARE "/f", 10, 1), RUN(),
         RETR("/contracts/f"));
    put_others(p, SHARE "/g", 10);
    PLAY(p, MOVE(SHARE "/g", SHARE "/f"), RETR("/contracts/f", NOT_FOUND),
         DELE("/contracts/f", NOT_FOUND), IS(SHARE "/f", 10, 1));
}

/* If the group may read a directory, but not enter it, its listing shows no
 * other user's name. */
PeerTest(mine, names_that_cannot_be_looked_at,
         (skip_without_root(), peer_init(p)))
{
    PLAY(p, SHARES("/contracts", MINE), DIRECTORY(SHARE "/d"));
    put_others(p, SHARE "/d/secret.pdf", 10);
    give_to_other(p, SHARE "/d", 0744);
    PLAY(p, RUN(),
         STEP(ask_list(p, "/contracts/d", LIST_NAMES, ""), OUTCOME_OK),
         STEP(p->listed, OUTCOME_DENIED), STEP_IS(p->entries, 0));
}

/* In a home that is a drop a client sees the shares, and nothing else. */
PeerTest(blind, shares_beside_a_drop, peer_init(p))
{
    PLAY(p, p->start.rights = RIGHT_WRITE, PUT("/secret", "x"),
         SHARES("/contracts", RIGHT_ALL), SHARES("/e", RIGHT_LIST), RUN(),
         CWD("/contracts"));
    DONE(ask_list(p, "/", LIST_NAMES, ""));
    cr_expect_str_eq(p->text, "contracts\r\ne\r\n", "%s", p->text);
    for (enum facts_for what = 0; what < FACTS_FOR_COUNT; what++)
        cr_expect_neq(ask_facts(p, "/secret", what), OUTCOME_OK);
    PLAY(p, CWD("/secret", NOT_FOUND), MFMT("/secret", NOT_FOUND),
         OPENS(STORE, "/e", 0, 0, MOUNT), STOR("/contracts/f", 10, 1),
         STOR("/f", 10, 1));
    cr_expect(strncmp(p->stored, "/f.", 3) == 0, "%s", p->stored);
}

/* The uploads of others change the free space of the disk. AVBL and ALLO show
 * none of 20 uploads to a user with a blind mount, in no mount; and STOR of an
 * announced length gets one answer. */
Test(drop, free_space, .timeout = 60)
{
    static const struct {
        unsigned rights;
        unsigned values; /* how many there may be */
    } rows[] = { { RIGHT_WRITE, 1 },
                 { MINE, 1 },
                 { RIGHT_ALL & ~RIGHT_LIST, 1 },
                 { RIGHT_ALL, 20 } };
    static const char *const places[] = { "/", "/drop" };

    for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
        const char *place = places[i % 2], *file = i % 2 ? "/drop/f" : "/f";
        const bool blind = rows[i / 2].values == 1;
        uint64_t last[2] = { 0, 0 };
        unsigned values[2] = { 0, 0 }, stored = 0;
        struct peer *p = peer_new();

        PLAY(p, SHARES("/drop", rows[i / 2].rights), RUN());
        for (uint64_t n = 0; n < 20; n++) {
            PLAY(p, free_always = 5000000000 - n * 4096 * 100, AGAIN());
            for (int allo = 0; allo < 2; allo++) {
                DONE(ask_space(p, place, allo ? 1 : UINT64_MAX));
                cr_expect((blind && allo) || p->space.bytes <= free_always);
                cr_expect_geq(p->space.bytes,
                              free_always / 64 * (allo ? 62 : 32));
                values[allo] += p->space.bytes != last[allo];
                last[allo] = p->space.bytes;
            }
            if (ask_write(p, file, WRITE_STORE, 0, 5000000000 - 4096 * 1050,
                          NULL) == OUTCOME_OK) {
                DONE(ask_abort(p));
                stored++;
            }
        }
        for (int allo = 0; allo < 2; allo++)
            cr_expect_eq(values[allo], rows[i / 2].values, "row %zu", i);
        cr_expect_eq(stored, blind ? 20 : 11, "row %zu", i);
        peer_stop(p);
    }
}

/* A search for idle partials takes longer, the more names others have: in a
 * mount that hides names no announced length makes the server search. */
Test(drop, no_search_for_space)
{
    static const struct {
        unsigned rights;
        bool searches;
    } rows[] = { { RIGHT_WRITE, false }, { MINE, false }, { RIGHT_ALL, true } };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct peer *p = peer_new();

        time_ahead = 0;
        free_always = 0;
        PLAY(p, SHARES("/drop", rows[i].rights), RUN(),
             CUTS("/drop/f", 8 * K * K, 1), free_always = 1024 * K,
             time_ahead = HOUR, AGAIN());
        DONE(ask_space(p, "/drop", UINT64_MAX));
        cr_expect_eq(p->space.bytes > 1024 * K, rows[i].searches);
        DONE(ask_space(p, "/drop", 2048 * K));
        cr_expect_gt(p->space.bytes, 2048 * K);
        PLAY(p, OPENS(STORE, "/drop/g", 0, 2048 * K), ABORT(),
             PARTIALS("/../../shares/drop", !rows[i].searches));
        if (rows[i].searches)
            peer_expect(p, EVENT_SERVICE);
        peer_stop(p);
    }
}
