/* Searches for partials by sallyportctl: which files count, what is reported,
 * which partials are kept, and that no other process waits for the reader. */
#include <sys/file.h>
#include <sys/xattr.h>

#include "peer.h"
#include "sallyport/base/clock.h"
#include "support/long.h"
#include "support/wait.h"
#include "syncs.h"

#define DAY 86400u
#define K   1024u
/* The name of a partial that no upload is writing. */
#define SOME ".sallyport-0123456789abcdef0123456789abcdef.part"

struct item {
    char path[256], is_for[64];
    uint64_t bytes;
    int64_t changed;
    enum partial_state state;
};

struct all {
    struct item one[200];
    size_t count;
    uint64_t unread;
    int error;
};

static void find(struct peer *p, bool remove, uint64_t age)
{
    REQUEST(&p->session, find, .what = FIND_PARTIALS, .remove = remove,
            .age = age, .path = SLICE("/"));
}

static void take(const struct msg_partial *m, struct item *t)
{
    cr_assert_eq(slice_copy(m->path, t->path, sizeof(t->path)), 0);
    cr_assert_eq(slice_copy(m->name, t->is_for, sizeof(t->is_for)), 0);
    t->bytes = m->bytes;
    t->changed = m->mtime;
    t->state = m->state;
}

static struct all find_all(struct peer *p, bool remove, uint64_t age)
{
    static struct all a;

    a = (struct all){ 0 };
    find(p, remove, age);
    while (cast_hear(&p->session) == MSG_partial) {
        cr_assert_eq(heard.request, p->session.last_request);
        cr_assert_lt(a.count, 200);
        take(&heard.partial, &a.one[a.count++]);
    }
    cr_assert_eq(heard.kind, MSG_partials_end);
    cr_assert_eq(heard.request, p->session.last_request);
    a.unread = heard.partials_end.unread;
    a.error = heard.partials_end.error;
    return a;
}

static const struct item *of(const struct all *a, const char *path)
{
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->one[i].path, path) == 0)
            return &a->one[i];
    cr_assert_fail("%s isn't reported", path);
    return NULL;
}

/* Returns the path of anna's partial of NAME in FOLDER. */
static const char *partial_of(const struct peer *p, const char *folder,
                              const char *name)
{
    static char out[4][256];
    static unsigned turn;
    char *path = out[turn++ % 4];

    snprintf(path, sizeof(out[0]), "%s/%s", folder, disk_partial_name(p, name));
    return path;
}

static void set_name(struct peer *p, const char *path, const char *name)
{
    cr_assert_eq(setxattr(disk_path(p, path), "user.sallyport.name", name,
                          strlen(name), 0),
                 0);
}

static const char *on_disk;

static bool has_name(void *name)
{
    char text[16] = "";

    return getxattr(on_disk, "user.sallyport.name", text, sizeof(text)) > 0 &&
           strcmp(text, name) == 0;
}

/* A partial gets the client's name a moment after its upload has begun, or when
 * it is synced, or when it is cut and kept. */
PeerTest(partials, who_lists_them_sees_their_names, peer_start(p))
{
    const uint64_t began = clock_ms();
    on_disk = disk_path(p, partial_of(p, "", "f"));
    DONE(ask_upload(p, "/f", WRITE_STORE, 0, 1, 1));
    const bool named = has_name("f");
    cr_expect(!named || clock_ms() - began >= 1000,
              "at once, for an upload of a moment");
    cr_expect(wait_until(has_name, "f", WAIT_MS));
    DONE(ask_abort(p));
    on_disk = disk_path(p, partial_of(p, "", "h"));
    PLAY(p, SENDS(STORE, "/h", 0, 1, 1), SYNC());
    cr_expect(has_name("h"), "from now on it can be resumed");
    DONE(ask_abort(p));
    on_disk = disk_path(p, partial_of(p, "", "g"));
    PLAY(p, SENDS(STORE, "/g", 0, 100000, 1), ABORT());
    cr_expect(has_name("g"));
}

PeerTest(partials, what_is_reported, peer_start_for_ctl(p))
{
    const char *first, *second;
    struct all a;

    PLAY(p, DIRECTORY("/in"), DIRECTORY("/in/deep"));
    first = partial_of(p, "", "new.pdf");
    PLAY(p, PUT(first, "12345"), PUT("/in/" SOME, "1234"));
    set_name(p, "/in/" SOME, "../a");
    second = partial_of(p, "/in/deep", "old.pdf");
    disk_put(p, second, "123", 3);
    set_name(p, second, "old \xff.pdf");
    disk_age(p, second, 3);
    a = find_all(p, false, 0);
    cr_assert_eq(a.count, 3);
    cr_assert_eq(a.unread, 0);
    cr_expect_eq(of(&a, first)->bytes, 5);
    cr_expect_str_eq(of(&a, first)->is_for, "", "nobody has stored it");
    cr_expect_str_eq(of(&a, "/in/" SOME)->is_for, "", "it is no name");
    cr_expect_eq(of(&a, first)->state, PARTIAL_RESTS);
    cr_expect_str_eq(of(&a, second)->is_for, "old \xff.pdf");
    cr_expect_eq(of(&a, second)->changed, disk_stat(p, second).st_mtime);
}

/* Links, directories, and files of another name or with two names aren't
 * reported, nor are another user's files. */
PeerTest(partials, files_that_are_no_partials, peer_start_for_ctl(p))
{
    struct all a;

    PLAY(p, PUT("/.sallyport-short.part", "1"), PUT("/" SOME ".bak", "1"),
         PUT("/file", "1"), DIRECTORY("/in"));
    disk_directory(p, "/in/" SOME); /* is only searched */
    disk_put(p, "/in/" SOME "/" SOME, "1", 1);
    PLAY(p, DIRECTORY("/links"), LINK("../file", "/links/" SOME),
         LINK("../in", "/links/in"), LINK("/", "/links/root"),
         DIRECTORY("/two"), PUT("/two/" SOME, "1"));
    disk_hard_link(p, "/two/" SOME, "/two/b");
    if (geteuid() == 0) { /* belongs to another user */
        PLAY(p, DIRECTORY("/other"), PUT("/other/" SOME, "1"));
        cr_assert_eq(chown(disk_path(p, "/other/" SOME), 70999, 70999), 0);
    }
    a = find_all(p, true, 0);
    cr_expect_eq(a.count, 1);
    cr_expect_str_eq(a.one[0].path, "/in/" SOME "/" SOME);
    cr_expect_eq(a.unread, 0);
    PLAY(p, HAS("/two/" SOME), HAS("/links/" SOME), HAS("/file"));
    cr_expect(geteuid() != 0 || disk_has(p, "/other/" SOME));
    cr_expect_not(disk_has(p, "/in/" SOME "/" SOME));
}

static void many(struct peer *p, const char *folder, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        char path[256];

        snprintf(path, sizeof(path), "%s/.sallyport-%032x.part", folder, i);
        disk_put(p, path, "123", 3);
    }
}

/* A partial that is being written is reported as in use, and is kept, whatever
 * its age. */
PeerTest(partials, in_use, peer_start_for_ctl(p))
{
    const char *busy;
    struct all a;

    busy = partial_of(p, "", "busy");
    disk_put(p, busy, "1234", 4);
    disk_age(p, busy, 99);
    FD_CLEANUP int fd = open(disk_path(p, busy), O_RDWR);
    cr_assert_eq(flock(fd, LOCK_EX | LOCK_NB), 0);
    for (int remove = 0; remove < 2; remove++) {
        a = find_all(p, remove, 0);
        cr_assert_eq(a.count, 1);
        cr_expect_eq(a.one[0].state, PARTIAL_IN_USE);
        PLAY(p, HAS(busy), AGAIN());
    }
    fd_close(
        &fd); /* the upload is cut: the partial is kept, and can be resumed */
    a = find_all(p, false, 0);
    cr_expect_eq(a.one[0].state, PARTIAL_RESTS);
}

/* A directory that can't be read is counted, and the others are searched. */
PeerTest(partials, folders_that_are_closed, peer_start_for_ctl(p))
{
    struct all a;

    PLAY(p, DIRECTORY("/closed"), PUT("/closed/" SOME, "1"),
         DIRECTORY("/fixed"), PUT("/fixed/" SOME, "1"), DIRECTORY("/open"),
         PUT("/open/" SOME, "1"), BITS("/closed", 0), BITS("/fixed", 0500));
    a = find_all(p, true, 0);
    cr_expect_eq(a.unread, 1);
    cr_expect_eq(a.error, EACCES);
    cr_assert_eq(a.count, 2);
    cr_expect_eq(of(&a, "/open/" SOME)->state, PARTIAL_REMOVED);
    cr_expect_eq(of(&a, "/fixed/" SOME)->state, PARTIAL_STAYS);
}

/* The closed directory, which is usual, doesn't hide the other error. */
PeerTest(partials, worst_error_of_several,
         (look_fails = SOME, peer_start_for_ctl(p)))
{
    struct all a;

    PLAY(p, DIRECTORY("/closed"), PUT("/" SOME, "1"), BITS("/closed", 0));
    a = find_all(p, false, 0);
    cr_expect_eq(a.unread, 2);
    cr_expect_eq(a.error, EIO);
}

/* lost+found, the directory of fsck, which only root can open, isn't counted as
 * unread, since it has no upload. Another closed directory is counted. */
Test(partials, lost_and_found)
{
    static const struct {
        const char *name;
        unsigned mode;
        uid_t owner;
        uint64_t unread;
    } rows[] = { { "/lost+found", 0700, 0, 0 },
                 { "/lost+found", 0710, 0, 1 },
                 { "/lost+found", 0000, PEER_UID, 1 },
                 { "/lost", 0700, 0, 1 } };

    skip_without_root();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct peer p;
        struct all a;

        peer_start_for_ctl(&p);
        disk_directory(&p, rows[i].name);
        cr_assert_eq(
            chown(disk_path(&p, rows[i].name), rows[i].owner, rows[i].owner),
            0);
        cr_assert_eq(chmod(disk_path(&p, rows[i].name), rows[i].mode), 0);
        a = find_all(&p, false, 0);
        cr_expect_eq(a.unread, rows[i].unread, "row %zu", i);
        peer_stop(&p);
    }
}

/* The search goes as deep as a path has room; a deeper directory is counted as
 * unread. */
Test(partials, too_deep, WITH_SANITIZERS)
{
    static const struct {
        int depth;
        size_t len;
        uint64_t unread;
    } rows[] = {
        { 128, 1, 0 },  { 2046, 1, 0 }, { 2100, 1, 1 },
        { 16, 255, 0 }, { 17, 255, 1 }, { 60, 255, 1 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char name[256] = "";
        struct peer p;
        struct all a;

        memset(name, 'd', rows[i].len);
        peer_start_for_ctl(&p);
        close(disk_dig(&p, "/", rows[i].depth, name));
        disk_put(&p, "/" SOME, "1", 1);
        a = find_all(&p, false, 0);
        cr_expect_eq(a.count, 1);
        cr_expect_eq(a.unread, rows[i].unread, "%d of %zu", rows[i].depth,
                     rows[i].len);
        peer_stop(&p);
    }
}

/* Names with bytes that no client can send, but that a local program can use,
 * are reported unchanged. */
PeerTest(partials, strange_names, peer_start_for_ctl(p))
{
    struct all a;

    PLAY(p, DIRECTORY("/a\nb \033[2J\xff"),
         PUT("/a\nb \033[2J\xff/" SOME, "1"));
    a = find_all(p, false, 0);
    cr_assert_eq(a.count, 1);
    cr_expect_str_eq(a.one[0].path, "/a\nb \033[2J\xff/" SOME);
}

static void wait_for_first(struct peer *p)
{
    struct pollfd one = { .fd = p->session.fd, .events = POLLIN };

    cr_assert_eq(poll(&one, 1, PEER_MS), 1);
}

/* The process has more to send than the socket holds, so it waits until the
 * test reads. */
PeerTest(partials, slow_reader, peer_start_for_ctl(p))
{
    uint64_t seen = 0;

    many(p, "", 500);
    find(p, false, 0);
    wait_for_first(p);
    while (cast_hear(&p->session) == MSG_partial)
        seen++;
    cr_assert_eq(heard.kind, MSG_partials_end);
    cr_expect_eq(seen, 500);
}

/* If session or master ends, files ends, too, even while it waits for the
 * reader. */
Test(partials, ends_with_either, WITH_SANITIZERS)
{
    for (int by_master = 0; by_master < 2; by_master++) {
        struct peer p;

        peer_start_for_ctl(&p);
        many(&p, "", 500);
        find(&p, false, 0);
        wait_for_first(&p);
        channel_close(by_master ? &p.master : &p.session);
        cr_assert_eq(peer_wait(&p), 0);
        peer_remove(&p);
    }
}

#define LIE(name, at)                                                          \
    {                                                                          \
        .kind = MSG_##name, .name = {.path = SLICE(at) }                       \
    }

/* sallyportctl may send only FIND, and only once. A session may not send
 * FIND. */
Test(partials, lies)
{
    static const struct {
        struct message message;
        bool after_one, for_ctl;
    } rows[] = {
        { LIE(find, "/"), true, true },
        { LIE(find, "/"), false, false },
        { LIE(directory_enter, "/"), false, true },
        { LIE(file_delete, "/a"), false, true },
        { LIE(file_read, "/a"), false, true },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct peer *p = peer_new();

        PLAY(p, p->start.for_ctl = rows[i].for_ctl, PUT("/a", "1"), RUN());
        if (rows[i].after_one)
            find_all(p, false, 0);
        /* Passes the check at the test's own end of the channel, which would
         * also refuse to send this message. */
        p->session.self =
            rows[i].message.kind == MSG_find ? PROCESS_CTL : PROCESS_SESSION;
        cast_say(&p->session, rows[i].message.kind, &rows[i].message.request);
        cr_expect_eq(peer_wait(p), EX_PROTOCOL, "row %zu", i);
        cr_expect(disk_has(p, "/a"));
        peer_remove(p);
    }
}
