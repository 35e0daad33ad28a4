/* A silent upload is in use, as a writing one is; but another session can
 * resume it. What the other session does, beside an upload in each state, in
 * each kind of place. */
#include "files/files.h"
#include "places.h"
#include "renames.h"
#include "syncs.h"

#define K    1024u
#define SENT (200 * K)

enum upload_state { WRITES, SILENT, ENDED, STATES };
enum deed_of_other {
    STORES,
    BEGINS,
    ANNOUNCES,
    DELETES,
    REMOVES,
    RENAMES,
    RESUMES,
    APPENDS,
    OTHERS
};

/* The results: what the other session gets, what SIZE reports after an upload
 * of it was cut, whether the first one is stored, and the names afterwards. */
struct result {
    int other, commit;
    size_t rest, files;
};

static int silent_act(struct peer *q, enum deed_of_other what,
                      const char *folder)
{
    char path[32], other[32];
    int r;

    snprintf(path, sizeof(path), "%s/f", folder);
    snprintf(other, sizeof(other), "%s/g", folder);

    switch (what) {
    case STORES:
        return ask_put(q, path, WRITE_STORE, 0, 10, 2);
    case BEGINS:
        r = ask_upload(q, path, WRITE_STORE, 0, 250 * K, 2);
        DONE(ask_abort(q));
        return r;
    case ANNOUNCES:
        r = ask_write(q, path, WRITE_STORE, 0, 100, NULL);
        DONE(ask_abort(q));
        return r;
    case DELETES:
        return ask_path(q, MSG_file_delete, path);
    case REMOVES:
        return ask_path(q, MSG_directory_remove, folder);
    case RENAMES:
        DONE(ask_put(q, other, WRITE_STORE, 0, 10, 2));
        return ask_rename(q, other, path);
    default:
        if (ask_size(q, path) == 0)
            return OUTCOME_NOT_FOUND;
        r = ask_upload(q, path, what == RESUMES ? WRITE_STORE : WRITE_APPEND,
                       what == RESUMES ? 192 * K : 0, 250 * K, 1);
        return r != OUTCOME_OK ? r : ask_commit(q, 250 * K);
    }
}

/* Counts the files, and the uploads that wait for inspection. */
static size_t silent_files_in(struct peer *p, const char *directory)
{
    DIR *d = opendir(disk_path(p, directory));
    size_t count = 0;

    cr_assert_not_null(d);
    for (struct dirent *e; (e = readdir(d));)
        count += e->d_name[0] != '.' || strstr(e->d_name, ".held-");
    closedir(d);
    return count;
}

static struct result silent_play(struct peer *p, struct peer *q,
                                 enum upload_state state,
                                 enum deed_of_other what, enum place_kind place)
{
    const char *folder = files_places[place].path,
               *disk = files_places[place].disk;
    const bool waits = files_places[place].rights & RIGHT_INSPECT;
    struct result ret = { 0 };
    char path[32];
    int fd = -1;

    places_enter(p, place);
    snprintf(path, sizeof(path), "%s/f", folder);
    DONE(ask_upload(p, path, WRITE_STORE, 0, SENT, 1));
    if (state == SILENT) {
        DONE(ASK(p, file_rest));
    } else if (state == ENDED) {
        DONE(ask_abort(p));
    } else {
        DONE(ask_sync(p));
    }
    ret.other = silent_act(q, what, folder);
    if (what == BEGINS || what == ANNOUNCES) {
        ret.rest = ask_size(q, path);
        cr_expect(state == ENDED || ret.rest == 0,
                  "the other's client gets the bytes of the first one");
    }
    if (state == SILENT) {
        ret.commit = ASK(p, file_go_on);
        fd = ret.commit == OUTCOME_OK ? fd_take(&heard.file_again.file) : -1;
    }
    fd_close(&fd);
    if (state != ENDED && ret.commit == OUTCOME_OK)
        ret.commit = ask_commit(p, SENT);
    else if (state != ENDED)
        DONE(ask_abort(p));
    if (disk_has(p, disk)) {
        ret.files = silent_files_in(p, disk);
        cr_expect(what == RESUMES || what == APPENDS || state == ENDED ||
                      disk_partials(p, disk) == (waits ? ret.files : 0),
                  "a partial is left");
        disk_empty(p, disk);
    }
    return ret;
}

/* Plays what another session does in a place, beside an upload in each
 * state. */
static void silent_compare(struct peer *p, struct peer *q,
                           enum deed_of_other what, enum place_kind place)
{
    struct result r[STATES];

    for (enum upload_state s = 0; s < STATES; s++)
        r[s] = silent_play(p, q, s, what, place);
    if (what == RESUMES || what == APPENDS) {
        PLAY(p, STEP(r[SILENT].other, OUTCOME_OK),
             STEP(r[SILENT].commit, OUTCOME_PARTIAL_TAKEN),
             /* SIZE of a partial with a token finds nothing. */
             STEP(r[WRITES].other,
                  place == PLACE_NETWORK ? OUTCOME_NOT_FOUND : OUTCOME_BUSY),
             STEP(r[ENDED].other, OUTCOME_OK));
        return;
    }
    PLAY(p, STEP(r[SILENT].commit, OUTCOME_OK),
         STEP(r[SILENT].other, r[WRITES].other),
         STEP(r[SILENT].commit, r[WRITES].commit),
         STEP_IS(r[SILENT].rest, r[WRITES].rest),
         STEP_IS(r[SILENT].files, r[WRITES].files),
         STEP(r[ENDED].other, OUTCOME_OK));
}

static const unsigned deed_needs[OTHERS] = {
    [DELETES] = RIGHT_DELETE,
    [REMOVES] = RIGHT_DIRECTORY,
    [RENAMES] = RIGHT_RENAME,
};

static bool silent_permits(enum place_kind place, enum deed_of_other what)
{
    const unsigned rights = files_places[place].rights;

    return (deed_needs[what] & ~rights) == 0 &&
           (what != RENAMES || !(rights & RIGHT_INSPECT)); /* what waits */
}

static void silent_in(enum place_kind place, enum conflict conflict)
{
    struct peer p, q;

    clock_jumps = 3000;
    peer_init(&p);
    places_furnish(&p, place);
    PLAY(&p, p.start.rules.on_conflict = conflict, RUN());
    peer_join(&q, &p, false);
    for (enum deed_of_other what = 0; what < OTHERS; what++) {
        ROW("%s, on_conflict %d, the other %d: ", place_words[place], conflict,
            what);
        if (silent_permits(place, what))
            silent_compare(&p, &q, what, place);
    }
    peer_leave(&q);
    peer_stop(&p);
}

Test(silent, is_in_use_as_one_that_writes)
{
    for (enum place_kind place = 0; place < PLACE_COUNT; place++)
        if (places_go(place))
            silent_in(place, CONFLICT_OVERWRITE);
    places_go(PLACE_HOME);
    silent_in(PLACE_HOME, CONFLICT_RENAME);
}

/* Two files of one name: neither the client of the second one, nor any later
 * one, gets a head of the first and a tail of the second. */
PeerTest(silent, joins_no_two_files, peer_start(p))
{
    struct peer q, r;

    for (int silent = 0; silent < 2; silent++) {
        ROW("silent %d: ", silent);
        PLAY(p, SENDS(STORE, "/f", 0, SENT, 1), SYNC());
        if (silent)
            DONE(ASK(p, file_rest));
        peer_join(&q, p, false);
        PLAY(&q, SENDS(STORE, "/f", 0, 250 * K, 2), ABORT(), LEAVE());
        clock_jumps = 3000;
        peer_join(&r, p, false);
        clock_jumps = 0;
        PLAY(&r, SIZE("/f", 0));
        PLAY(p, AGAIN());
        PLAY(&r, SIZE("/f", 0), OPENS(STORE, "/f", 192 * K, 0, BAD_OFFSET),
             APPE("/f", 300 * K, 2), IS("/f", 300 * K, 2), DELE("/f"), LEAVE());
    }
}

/* Others leave the lock of a silent upload alone: its next byte needs it. */
PeerTest(silent, is_never_locked,
         (peer_init(p), free_always = 1000 * K, peer_run(p)))
{
    static const int wanted[OTHERS] = {
        [DELETES] = OUTCOME_BUSY, [REMOVES] = -1, /* of the directory: not empty
                                                   */
    };

    PLAY(p, MKD("/d"));
    for (enum deed_of_other what = 0; what < RESUMES; what++) {
        struct peer q;
        int fd, r;

        PLAY(p, SENDS(STORE, "/d/f", 0, SENT, 1));
        DONE(ASK(p, file_rest));
        rename_faults.spared = disk_stat(p, disk_partial(p, "/d")).st_ino;
        peer_join(&q, p, false);
        /* Its blocks don't count as room, either. */
        PLAY(&q, OPENS(STORE, "/d/f", 0, 1100 * K, NO_SPACE));
        r = silent_act(&q, what, "/d");
        cr_expect(wanted[what] < 0 || r == wanted[what], "%d: %d", what, r);
        peer_leave(&q);
        DONE(ASK(p, file_go_on));
        fd = fd_take(&heard.file_again.file);
        fd_close(&fd);
        PLAY(p, COMMIT(SENT));
        disk_empty(p, "/d");
    }
}

/* An upload that can't show that it is alive keeps its own lock. */
PeerTest(silent, without_a_second_lock,
         (peer_init(p), lease_error = ENOLCK, peer_run(p)))
{
    struct peer q;
    int fd;

    PLAY(p, SENDS(STORE, "/f", 0, SENT, 1));
    DONE(ASK(p, file_rest));
    peer_join(&q, p, false);
    PLAY(&q, OPENS(STORE, "/f", 64 * K, 0, BUSY), DELE("/f", BUSY), LEAVE());
    DONE(ASK(p, file_go_on));
    fd = fd_take(&heard.file_again.file);
    fd_close(&fd);
    PLAY(p, COMMIT(SENT), IS("/f", SENT, 1));
}

/* An upload that exceeds upload_bytes when it is cut removes others at rest,
 * but none of an upload that is silent. */
PeerTest(silent, counts_as_one_that_writes,
         (peer_init(p), p->start.rules.upload_bytes = 1000 * K, peer_run(p)))
{
    struct peer q;
    int fd;

    peer_join(&q, p, false);
    PLAY(p, SENDS(STORE, "/f", 0, SENT, 1));
    DONE(ASK(p, file_rest));
    PLAY(&q, SENDS(STORE, "/g", 0, 900 * K, 2), ABORT(), LEAVE());
    DONE(ASK(p, file_go_on));
    fd = fd_take(&heard.file_again.file);
    fd_close(&fd);
    PLAY(p, COMMIT(SENT), IS("/f", SENT, 1));
}
