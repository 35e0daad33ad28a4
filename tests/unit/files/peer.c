/* The fake peers of the process files, and its requests as functions. */
#include "peer.h"

#include "sallyport/ftp/listing.h"
#include "support/btrfs.h"
#include "support/cast.h"
#include "support/nth.h"
#include "support/scratch.h"
#include "syncs.h"

static void own(const char *path)
{
    if (geteuid() == 0)
        cr_assert_eq(chown(path, PEER_UID, PEER_UID), 0);
}

void skip_without_root(void)
{
    if (geteuid() != 0)
        cr_skip_test("without root there is one user");
}

void peer_init(struct peer *p)
{
    const char *in = getenv("TMPDIR");

    alarm(600); /* not Criterion's own time-out, which leaks memory */
    *p = (struct peer){
        .session.fd = -1, .master.fd = -1, .log.fd = -1, .facts = LISTING_ALL
    };
    snprintf(p->base, sizeof(p->base), "%s/sallyport-files-XXXXXX",
             in && *in ? in : "/tmp");
    cr_assert_not_null(mkdtemp(p->base), "%s", p->base);
    cr_assert_eq(chmod(p->base, 0711), 0);
    snprintf(p->homes, sizeof(p->homes), "%s/homes", p->base);
    snprintf(p->home, sizeof(p->home), "%s/anna", p->homes);
    cr_assert_eq(mkdir(p->homes, 0711), 0);
    cr_assert_eq(chmod(p->homes, 0711), 0);
    cr_assert_eq(mkdir(p->home, 0700), 0);
    own(p->home);
    snprintf(p->shares, sizeof(p->shares), "%s/shares", p->base);
    cr_assert_eq(mkdir(p->shares, 0711), 0);
    cr_assert_eq(chmod(p->shares, 0711), 0);
    p->start = (struct files_start){
        .rules = { .resume = true },
        .root = geteuid() == 0,
        .homes = p->homes,
        .shares = p->shares,
        .serial = 1,
        .name = "anna",
        .home = p->home,
        .uid = PEER_UID,
        .gid = PEER_UID,
        .rights = RIGHT_ALL,
        .name_key = "0123456789abcde",
    };
}

void peer_mount_btrfs(struct peer *p, const char *directory)
{
    if (!btrfs_mount(directory)) {
        peer_remove(p);
        cr_skip_test("needs root and mounts");
    }
    p->mounted = directory;
    btrfs_enable_quotas(directory);
    cr_assert_eq(chmod(directory, 0711), 0);
}

void peer_make_subvolume(const char *directory, const char *name)
{
    FD_CLEANUP int fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);

    cr_assert_eq(quota_make_subvolume(fd, name), 0);
}

void peer_init_on_btrfs(struct peer *p)
{
    peer_init(p);
    cr_assert_eq(rmdir(p->home), 0);
    peer_mount_btrfs(p, p->homes);
    peer_make_subvolume(p->homes, "anna");
    own(p->home);
    cr_assert_eq(chmod(p->home, 0700), 0);
}

struct files_mount *peer_share(struct peer *p, const char *at, unsigned rights)
{
    size_t i = p->start.mount_count++;
    bool root = geteuid() == 0;

    cr_assert_lt(i, sizeof(p->paths) / sizeof(p->paths[0]));
    snprintf(p->paths[i], sizeof(p->paths[i]), "%s%s", p->shares, at);
    p->mounts[i] = (struct files_mount){ .at = at,
                                         .path = p->paths[i],
                                         .gid = PEER_UID + 100 + (gid_t)i,
                                         .rights = rights };
    cr_assert_eq(mkdir(p->paths[i], 0700), 0);
    cr_assert(!root || chown(p->paths[i], 0, p->mounts[i].gid) == 0);
    cr_assert_eq(chmod(p->paths[i], 02770), 0);
    return &p->mounts[i];
}

void peer_member(struct peer *second, const struct peer *first,
                 const char *name, unsigned rights)
{
    *second = *first;
    second->mounts[0].rights = rights;
    second->start.name = name;
    second->start.uid = second->start.gid = PEER_UID + 1;
    snprintf(second->home, sizeof(second->home), "%s/%s", first->homes, name);
    second->start.home = second->home;
    cr_assert_eq(mkdir(second->home, 0700), 0);
    cr_assert(geteuid() != 0 ||
              chown(second->home, PEER_UID + 1, PEER_UID + 1) == 0);
    peer_run(second);
}

void peer_fork(struct peer *p)
{
    p->start.mounts = p->mounts;
    p->start.session = channel_make(
        &p->session, p->start.for_ctl ? PROCESS_CTL : PROCESS_SESSION,
        PROCESS_FILES, PHASE_ASKED);
    p->start.master =
        channel_make(&p->master, PROCESS_MASTER, PROCESS_FILES, PHASE_START);
    p->start.log = channel_make(&p->log, PROCESS_LOG, PROCESS_FILES, PHASE_RUN);
    tzset(); /* as master has done */
    p->pid = fork();
    cr_assert_geq(p->pid, 0);
    if (p->pid == 0 && p->nth)
        nth_enter(p->nth);
    if (p->pid == 0)
        files_main(&p->start);
    close(p->start.session);
    close(p->start.master);
    close(p->start.log);
}

void peer_run(struct peer *p)
{
    peer_fork(p);
    EXPECT(&p->master, ready);
    p->master.phase = PHASE_RUN;
}

void peer_start(struct peer *p)
{
    peer_init(p);
    peer_run(p);
}

struct peer *peer_new(void)
{
    static struct peer peers[64];
    static size_t made;

    cr_assert_lt(made, sizeof(peers) / sizeof(peers[0]));
    peer_init(&peers[made]);
    return &peers[made++];
}

struct peer *peer_started(void)
{
    struct peer *p = peer_new();

    peer_run(p);
    return p;
}

struct peer *peer_for_row(struct peer *last, bool changed, unsigned rights,
                          void (*furnish)(struct peer *p))
{
    if (last && !changed && last->start.rights == rights)
        return last;
    if (last)
        peer_stop(last);
    last = peer_new();
    furnish(last);
    last->start.rights = rights;
    peer_run(last);
    return last;
}

void peer_start_for_ctl(struct peer *p)
{
    peer_init(p);
    p->start.for_ctl = true;
    peer_run(p);
}

int peer_wait(struct peer *p)
{
    int status;

    cr_assert_eq(waitpid(p->pid, &status, 0), p->pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

bool peer_event(struct peer *p, struct event_record *ret)
{
    if (cast_hear(&p->log) == MSG_NONE)
        return false;
    cr_assert_eq(heard.kind, MSG_event);
    cr_assert_eq(event_decode(heard.event.event, ret), 0);
    return true;
}

struct event_record peer_expect(struct peer *p, enum event event)
{
    struct event_record r;

    cr_assert(peer_event(p, &r), "no event");
    cr_expect_eq(r.event, event, "%s", event_name(r.event));
    return r;
}

static void expect_no_event(struct peer *p)
{
    struct event_record event;

    if (peer_event(p, &event))
        cr_assert_fail("%s: system call %lu was refused",
                       event_name(event.event), event.number[FIELD_NUMBER]);
}

void peer_remove(struct peer *p)
{
    if (p->mounted)
        btrfs_unmount(p->mounted);
    scratch_remove_tree(p->base);
    channel_close(&p->session);
    channel_close(&p->master);
    channel_close(&p->log);
}

void peer_join(struct peer *second, const struct peer *first, bool for_ctl)
{
    *second = *first;
    second->start.for_ctl = for_ctl;
    peer_run(second);
}

void peer_end_as(struct peer *p, int status)
{
    channel_close(&p->session);
    channel_close(&p->master);
    cr_assert_eq(peer_wait(p), status);
    channel_close(&p->log);
}

void peer_leave(struct peer *p)
{
    peer_end_as(p, 0);
}

void peer_kill(struct peer *p)
{
    kill(p->pid, SIGKILL);
    peer_end_as(p, 256 + SIGKILL);
}

void peer_again(struct peer *p)
{
    peer_leave(p);
    peer_run(p);
}

void peer_stop(struct peer *p)
{
    channel_close(&p->session);
    channel_close(&p->master); /* master reports with this that the session left
                                  by itself */
    cr_assert_eq(peer_wait(p), 0);
    expect_no_event(p);
    peer_remove(p);
}

/* Returns the outcome that `heard` reports. */
static int outcome(struct peer *p)
{
    p->why = (struct msg_refused){ 0 };
    if (heard.kind == MSG_refused)
        p->why = heard.refused;
    return (int)p->why.outcome;
}

int ask(struct peer *p, enum message_kind kind, const void *body)
{
    int sent = channel_send(&p->session, kind, body);

    if (sent < 0 || cast_hear(&p->session) == MSG_NONE) {
        cr_assert(p->may_die, "%s: no answer %s", message_name(kind),
                  p->session.wrong);
        return OUTCOME_UNANSWERED;
    }
    cr_assert_eq(heard.request, p->session.last_request);
    return outcome(p);
}

struct peer *playing;
char step_row[128];
/* A step can play steps itself. */
static struct peer *before[4];
static size_t depth;

void play_begin(struct peer *p)
{
    cr_assert_lt(depth, sizeof(before) / sizeof(before[0]));
    before[depth++] = playing;
    playing = p;
}

void play_end(void)
{
    playing = before[--depth];
}

void step_gets(const char *step, int outcome, int wanted)
{
    cr_assert_eq(outcome, wanted, "%s%s: outcome %d, not %d", step_row, step,
                 outcome, wanted);
}

void step_is(const char *step, uint64_t value, uint64_t wanted)
{
    cr_assert_eq(value, wanted, "%s%s: %lu, not %lu", step_row, step, value,
                 wanted);
}

int ask_answer(struct peer *p)
{
    cr_assert_neq(cast_hear(&p->session), MSG_NONE);
    return outcome(p);
}

void send_commit(struct peer *p, uint64_t length)
{
    REQUEST(&p->session, file_commit, .length = length);
}

int ask_path(struct peer *p, enum message_kind m, const char *path)
{
    int r =
        ask(p, m, MESSAGE_BODY(file_delete, NEXT(p), .path = slice_from(path)));

    cr_assert(r != OUTCOME_OK || heard.kind == MSG_done);
    return r;
}

int ask_rename(struct peer *p, const char *from, const char *to)
{
    int r = ASK(p, rename, .from = slice_from(from), .to = slice_from(to));

    slice_copy(r == OUTCOME_OK ? heard.renamed.path : SLICE(""), p->stored,
               sizeof(p->stored));
    return r;
}

int ask_facts(struct peer *p, const char *path, enum facts_for purpose)
{
    int r = ASK(p, facts, .path = slice_from(path), .purpose = purpose);

    cr_assert(r != OUTCOME_OK || heard.kind == MSG_facts_are);
    p->are = (struct msg_facts_are){ 0 };
    if (r == OUTCOME_OK)
        p->are = heard.facts_are;
    return r;
}

uint64_t ask_size(struct peer *p, const char *path)
{
    ask_facts(p, path, FACTS_FOR_SIZE);
    return p->are.size;
}

int ask_times(struct peer *p, const char *path, time_t access, time_t modify)
{
    return ASK(p, times, .path = slice_from(path), .access = access,
               .modify = modify);
}

int ask_mode(struct peer *p, const char *path, unsigned mode)
{
    return ASK(p, mode, .path = slice_from(path), .mode = mode);
}

int ask_space(struct peer *p, const char *path, uint64_t wanted)
{
    int r = ASK(p, space, .path = slice_from(path), .wanted = wanted);

    p->space = (struct msg_space_is){ 0 };
    if (r == OUTCOME_OK)
        p->space = heard.space_is;
    return r;
}

static void hand_over(int fd, int *ret)
{
    if (ret)
        *ret = fd;
    else
        fd_close(&fd);
}

int ask_read(struct peer *p, const char *path, uint64_t offset, int *fd)
{
    int r = ASK(p, file_read, .path = slice_from(path), .offset = offset);

    hand_over(r == OUTCOME_OK ? fd_take(&heard.file_readable.file) : -1, fd);
    return r;
}

int ask_open(struct peer *p, const struct msg_file_write *request,
             struct msg_file_writable *ret)
{
    int r = ask(p, MSG_file_write, request);

    *ret = (struct msg_file_writable){ .file = -1 };
    if (r == OUTCOME_OK) {
        *ret = heard.file_writable;
        ret->file = fd_take(&heard.file_writable.file);
    }
    return r;
}

int ask_write(struct peer *p, const char *path, enum write_mode mode,
              uint64_t offset, uint64_t announced, int *fd)
{
    struct msg_file_writable w;
    int r = ask_open(
        p,
        MESSAGE_BODY(file_write, NEXT(p), .path = slice_from(path),
                     .mode = mode, .offset = offset, .announced = announced,
                     .keep_nothing = p->fleeting, .conflict = p->wish),
        &w);

    p->first = w.first;
    p->limit = w.limit;
    p->by_bytes = w.by_bytes;
    while (r == OUTCOME_OK && w.to_copy > 0)
        r = ask_copy(p, &w.to_copy);
    hand_over(w.file, fd);
    return r;
}

int ask_copy(struct peer *p, uint64_t *left)
{
    int r = ASK(p, file_copy);

    *left = r == OUTCOME_OK ? heard.file_copied.left : 0;
    return r;
}

int ask_upload(struct peer *p, const char *path, enum write_mode mode,
               uint64_t offset, size_t len, unsigned seed)
{
    int fd, r = ask_write(p, path, mode, offset, 0, &fd);

    if (r == OUTCOME_OK) {
        put_pattern(fd, p->first, len, seed);
        close(fd);
    }
    return r;
}

/* Returns the path on disk of a virtual path. */
static const char *real_path(const struct peer *p, const char *path)
{
    static char out[4200];
    bool share = false;

    for (size_t i = 0; i < p->start.mount_count; i++)
        share |= slice_starts(slice_from(path), slice_from(p->mounts[i].at));
    snprintf(out, sizeof(out), "%s%s", share ? "/../../shares" : "", path);
    return out;
}

int ask_put(struct peer *p, const char *path, enum write_mode mode,
            uint64_t offset, size_t len, unsigned seed)
{
    int r = ask_upload(p, path, mode, offset, len, seed);

    if (r == OUTCOME_OK)
        r = ask_commit(p, len);
    if (r == OUTCOME_OK && !p->held[0])
        cr_expect(disk_is(p, real_path(p, p->stored), len, seed), "%s", path);
    return r;
}

void ask_store(struct peer *p, const char *path, size_t len, unsigned seed)
{
    cr_assert_eq(ask_put(p, path, WRITE_STORE, 0, len, seed), OUTCOME_OK, "%s",
                 path);
}

void ask_cut(struct peer *p, const char *path, size_t len, unsigned seed)
{
    cr_assert_eq(ask_upload(p, path, WRITE_STORE, 0, len, seed), OUTCOME_OK);
    cr_assert_eq(ask_abort(p), OUTCOME_OK);
}

int ask_sync(struct peer *p)
{
    return ASK(p, file_sync);
}

int ask_full(struct peer *p, bool over_quota)
{
    return ASK(p, file_full, .over_quota = over_quota);
}

int ask_prepare(struct peer *p, uint64_t length)
{
    return ASK(p, file_prepare, .length = length);
}

int ask_commit(struct peer *p, uint64_t length)
{
    int r = ASK(p, file_commit, .length = length);
    const bool stored = r == OUTCOME_OK;

    slice_copy(stored ? heard.file_stored.path : SLICE(""), p->stored,
               sizeof(p->stored));
    slice_copy(stored ? heard.file_stored.held : SLICE(""), p->held,
               sizeof(p->held));
    p->unsafe = stored && heard.file_stored.unsafe;
    return r;
}

int ask_abort(struct peer *p)
{
    return ASK(p, file_abort);
}

int ask_abort_spoiled(struct peer *p)
{
    return ASK(p, file_abort, .worthless = true);
}

int ask_list(struct peer *p, const char *path, enum list_format format,
             const char *argument)
{
    static struct buf text;
    char block[1 << 16];
    ssize_t n;
    int r = ASK(p, directory_list, .path = slice_from(path), .format = format,
                .argument = slice_from(argument), .facts = p->facts);

    buf_release(&text);
    p->text = NULL;
    p->entries = 0;
    p->listed = OUTCOME_OK;
    if (r != OUTCOME_OK)
        return r;
    cr_assert_eq(heard.kind, MSG_directory_pipe);
    FD_CLEANUP int fd = fd_take(&heard.directory_pipe.listing);
    buf_init(&text, 1 << 24);
    /* Makes read() wait for the pipe, as a session waits. */
    cr_assert_eq(fd_set_nonblock(fd, false), 0);
    while ((n = read(fd, block, sizeof(block))) > 0)
        buf_add(&text, block, (size_t)n);
    cr_assert_eq(n, 0);
    buf_add(&text, "", 1);
    p->text = text.data;
    p->listed = (int)EXPECT(&p->session, directory_listed)->outcome;
    for (const char *at = p->text; (at = strchr(at, '\n')) != NULL; at++)
        p->entries++;
    return OUTCOME_OK;
}

struct msg_partials_end peer_find(const struct peer *p,
                                  const struct msg_find *find,
                                  unsigned count[PARTIAL_STATE_COUNT])
{
    struct msg_find request = *find;
    struct peer ctl;

    peer_join(&ctl, p, true);
    request.request = NEXT(&ctl);
    memset(count, 0, PARTIAL_STATE_COUNT * sizeof(*count));
    cr_assert_eq(channel_send(&ctl.session, MSG_find, &request), 0);
    while (cast_hear(&ctl.session) == MSG_partial ||
           heard.kind == MSG_partial_owner)
        if (heard.kind == MSG_partial)
            count[heard.partial.state]++;
    cr_assert_eq(heard.kind, MSG_partials_end);
    peer_leave(&ctl);
    return heard.partials_end;
}

/* Removes abandoned partials after 7 days, the default of partial_days. Returns
 * how many were removed. */
static unsigned sweep(const struct peer *p, bool share, time_t seconds)
{
    unsigned count[PARTIAL_STATE_COUNT];
    struct peer ctl = *p;

    ctl.start.mount_count = 0;
    ctl.nth = NULL;
    time_ahead += seconds;
    peer_find(&ctl,
              &(struct msg_find){ .what = FIND_ABANDONED,
                                  .remove = true,
                                  .share = share,
                                  .age = UINT64_C(7) * 86400,
                                  .path = SLICE("/") },
              count);
    time_ahead -= seconds;
    return count[PARTIAL_REMOVED];
}

unsigned disk_sweep(const struct peer *p, time_t seconds)
{
    return sweep(p, false, seconds);
}

struct peer peer_of_share(const struct peer *p)
{
    struct peer ctl = *p;

    ctl.start.mount_count = 0;
    ctl.start.home = p->mounts[0].path;
    ctl.start.uid = ctl.start.gid = p->mounts[0].gid;
    return ctl;
}

unsigned disk_sweep_share(const struct peer *p, time_t seconds)
{
    const struct peer ctl = peer_of_share(p);

    return sweep(&ctl, true, seconds);
}
