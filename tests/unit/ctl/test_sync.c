/* A model of "user import" and of its --sync: a source whose users come, go,
 * lose attributes, and have entries that can't be used; and an administrator
 * who gives orders between the runs. The source is rows of the users file, or a
 * file that a converter of etc/import reads. After each run and each order the
 * users file must agree with the model: an order holds until it is taken back,
 * an attribute that vanishes opens no account, a user with an entry that isn't
 * wholly understood is locked, a second run with the same source changes
 * nothing, and no user gets another user's home or uid. A run names each entry
 * that it can't use. SALLYPORT_SEED=NUMBER repeats a failure. */
#include "ctl/ctl.h"
#include "support/long.h"
#include "world.h"

TestSuite(sync, .init = world_make, .fini = scratch_remove, .timeout = 1200,
          WITHOUT_SANITIZERS);

#define WHO   6
#define STEPS 80
#define ADMINS                                                                 \
    3 /* the hash's version and the end that only the administrator sets */
#define S43 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ./01234"

/* The first two names are one person: the source changes a letter's case. */
static const char *const names[WHO] = { "Anna", "anna", "bert",
                                        "carl", "dora", "emil" };
#define PERSON(who) ((who) < 2 ? 1 : (who))
static const char *const ends[] = { "", "2001-01-01T00:00:00Z",
                                    "2099-01-01T00:00:00Z",
                                    "2098-01-01T00:00:00Z" };
static const char *const days[] = { "", "11323", "47117" }; /* since 1970 */

/* In a layout "%" and a letter stand for a value: N the name, P the password's
 * hash with the lock, E the end, F the flaw. A second layout is for another
 * file, of the accounts. */
static const struct source_format {
    const char *converter; /* in etc/import; NULL: none */
    const char *layout, *account;
} source_formats[] = {
    { NULL, "# %N: words\n%N:%P:::::%F:rights=full %E\n", NULL },
    { "ldif", "dn: uid=%N\nuid: %N\nuserPassword: {CRYPT}%P\n%E%F\n", NULL },
    { "passwd", "%N:%P:19000:0:99999:7::%E:\n",
      "%N:%A:1000:1000::/home/%N:/bin/sh\n" },
};
#define SOURCE_FORMATS (sizeof(source_formats) / sizeof(*source_formats))
static const struct source_format *format;

/* How an entry is odd. */
enum effect {
    FLAW_NONE,
    FLAW_LOCKS,   /* the user is locked; the rest of the entry counts */
    FLAW_ENDLESS, /* the same, but the entry has no end */
    FLAW_BREAKS,  /* a follower is locked, and nothing of the entry counts */
};
static const struct flaw {
    const char *converter; /* the format; NULL: rows */
    enum effect effect;
    const char *text, *layout; /* LAYOUT: replaces the layout of the format */
} flaws[] = {
    { NULL, FLAW_BREAKS, "/bin/sh", NULL },
    { NULL, FLAW_BREAKS, "", "%N:%P\n" },
    { NULL, FLAW_BREAKS, "", "%N\n" },
    { NULL, FLAW_BREAKS, "", "%N:%P:x:::::\n" },
    { NULL, FLAW_BREAKS, "", "%N:%P::-1::::\n" },
    { NULL, FLAW_BREAKS, "", "%N:%P::::home::\n" },
    { NULL, FLAW_BREAKS, "", "%N:%P:::a:b:c:\n" },
    { NULL, FLAW_BREAKS, "", "%N:%P::::::rights=x %E\n" },
    { NULL, FLAW_BREAKS, "", "%N:%P::::::expires=soon\n" },
    { NULL, FLAW_BREAKS, "", "%N:%P::::::expries=2099-01-01\n" },
    { NULL, FLAW_BREAKS, "", "%N:%P::::::%E hours=sat hours=sun\n" },
    { NULL, FLAW_BREAKS, "", "%N:%P::::::%E networks=here\n" },
    { NULL, FLAW_BREAKS, "", "%N:%P::::::%E login=Certificate\n" },
    { NULL, FLAW_BREAKS, "", "%N:%P::::::%E login=certificate\n" },
    { NULL, FLAW_BREAKS, "", "%N:%P::::::%E shares=none\n" },
    { NULL, FLAW_BREAKS, "", "%N:%P::::::%E teams=none\n" },
    { NULL, FLAW_BREAKS, "", "%N:%P::::::%E locked\n" },
    { NULL, FLAW_BREAKS, "", "%N:%P::::::%E rights./in=drop\n" },
    { NULL, FLAW_BREAKS, "", "%N:%P::::::%E on_conflict=version\n" },
    { NULL, FLAW_BREAKS, "", "%N:%P::::::%E %Z\n" },
    { NULL, FLAW_BREAKS, "", "%N:%P::::::%E %L\n" },
    { NULL, FLAW_BREAKS, "", "%N:%P::::::%E\n%N:%P::::::%E\n" },
    { NULL, FLAW_BREAKS, "", "%N:%P::::::%E\n%N:!%P::::::%E\n" },
    { NULL, FLAW_LOCKS, "", "%N:!%P::::::%E\n" },
    { NULL, FLAW_LOCKS, "", "%N:%P::::::%E sync=dir:locked\n" },
    { NULL, FLAW_NONE, "", "%N:%P::::::%E\r\n" },
    { NULL, FLAW_NONE, "", "%N:%P:7:7::::%E\n" },
    { NULL, FLAW_NONE, "", "#%N:!%P::::::%E\n\n%N:%P:::\33[2J:::%E\n" },
    { "ldif", FLAW_LOCKS, "uid: alias\n", NULL },
    { "ldif", FLAW_LOCKS, "nsAccountLock: TRUE\n", NULL },
    { "ldif", FLAW_LOCKS, "nsAccountLock: yes\n", NULL },
    { "ldif", FLAW_LOCKS, "pwdAccountLockedTime: 20200101000000Z\n", NULL },
    { "ldif", FLAW_LOCKS, "userPassword: {CRYPT}!$1$x\n", NULL },
    { "ldif", FLAW_LOCKS, "userPassword: !{SSHA}x\n", NULL },
    { "ldif", FLAW_LOCKS, "userPassword: {CRYPT}*LK*\n", NULL },
    { "ldif", FLAW_LOCKS, "loginDisabled: TRUE\n", NULL },
    { "ldif", FLAW_LOCKS, "userAccountControl: 514\n", NULL },
    { "ldif", FLAW_LOCKS, "nsAccountLock;x-a: TRUE\n", NULL },
    { "ldif", FLAW_LOCKS, "lockedByIntruder: TRUE\n", NULL },
    { "ldif", FLAW_LOCKS, "sambaAcctFlags: [UD         ]\n", NULL },
    { "ldif", FLAW_LOCKS, "pwdStartTime: 20990101000000Z\n", NULL },
    { "ldif", FLAW_LOCKS, "accountUnlockTime: 0\n", NULL },
    { "ldif", FLAW_LOCKS, "loginExpirationTime: never\n", NULL },
    { "ldif", FLAW_LOCKS, "krbPrincipalExpiration: never\n", NULL },
    { "ldif", FLAW_LOCKS, "shadowExpire: soon\n", NULL },
    { "ldif", FLAW_LOCKS, "shadowExpire: 99999999\n", NULL },
    { "ldif", FLAW_BREAKS, "\ndn: uid=%N,ou=b\nuid: %N\n", NULL },
    { "ldif", FLAW_BREAKS, "\ndn: uid=%N,ou=b\nuid: %N\nnsAccountLock: TRUE\n",
      NULL },
    { "ldif", FLAW_NONE, "nsAccountLock: FALSE\nshadowExpire: -1\n", NULL },
    { "ldif", FLAW_NONE, "userPassword: {SSHA}x\nuserAccountControl: 512\n",
      NULL },
    { "passwd", FLAW_LOCKS, "*", NULL },
    { "passwd", FLAW_LOCKS, "!", NULL },
    { "passwd", FLAW_LOCKS, "$1$x", NULL },
    { "passwd", FLAW_ENDLESS, "", "%N:%P:19000:0:99999:7::0x7:\n" },
    { "passwd", FLAW_ENDLESS, "", "%N:%P:19000:0:99999:7::99999999:\n" },
    { "passwd", FLAW_NONE, "", "%N:%P:19000:0:99999:7::%E:\n%N:!:1:::::1:\n" },
};
#define FLAWS (sizeof(flaws) / sizeof(*flaws))

static struct entry {
    bool in, locked;
    unsigned hash, end; /* versions; 0: none */
    unsigned odd;       /* without a hash: which text is in its place */
    const struct flaw *flaw;
} source[WHO];

static struct row_model {
    bool is, follows, by_hand;
    bool locked, gone, gave_hash, gave_end; /* what the source has said */
    bool keeps;                             /* the home has a file */
    unsigned hash, end;
    uid_t uid; /* 0: the row has none yet */
} model[WHO];
static uid_t last_uid;

enum verb {
    SYNC,
    MOST,
    IMPORT,
    LOCK,
    UNLOCK,
    PASSWD,
    EXPIRES,
    OWN,
    FOLLOW,
    DEL,
    ADD,
    KEEP, /* this verb and those below run no command */
    COMES,
    HASH,
    LOCKS,
    END,
    CASE,
    FLAW,
    VERBS
};
/* The words before and after the user's name: a command, or a change of the
 * source. */
static const char *const verbs[VERBS][2] = {
    [SYNC] = { "user import source --sync dir" },
    [MOST] = { "user import source --sync dir --most" },
    [IMPORT] = { "user import source" },
    [LOCK] = { "user lock " },
    [UNLOCK] = { "user unlock " },
    [PASSWD] = { "user change ",
                 " --hash-stdin --expires 2098-01-01T00:00:00Z" },
    [EXPIRES] = { "user change ", " --expires " },
    [OWN] = { "user change ", " --sync none --hash-stdin" },
    [FOLLOW] = { "user change ", " --sync dir" },
    [DEL] = { "user del ", " --yes" },
    [ADD] = { "user add ", " --hash-stdin" },
    [KEEP] = { "a file for " },
    [COMES] = { "the source gets or loses " },
    [HASH] = { "the source changes the hash of " },
    [LOCKS] = { "the source locks or opens " },
    [END] = { "the source changes the end of " },
    [CASE] = { "the source changes the case of Anna, not " },
    [FLAW] = { "the source changes a flaw of " },
};
struct step {
    enum verb verb;
    unsigned who, version, pick;
};
static char why[1024];

static const char *hash_of(unsigned who, unsigned version)
{
    static char text[128];

    snprintf(text, sizeof(text), "$6$%u%u$" S43 S43, PERSON(who), version);
    return text;
}

/* The model. */

static bool is_odd(const struct entry *e, enum effect effect)
{
    return e->flaw && e->flaw->effect == effect;
}

static bool closes(const struct entry *e)
{
    return !e->in || e->locked || (e->flaw && e->flaw->effect != FLAW_NONE);
}

static unsigned end_of(const struct entry *e)
{
    return is_odd(e, FLAW_ENDLESS) ? 0 : e->end;
}

static bool too_many(unsigned changed, unsigned all)
{
    return changed > 2 && changed > all / 2;
}

/* Returns true if the run would lock most users, unlock most locked ones, or
 * take the end from most users. */
static bool loses_most(void)
{
    unsigned open = 0, lost = 0, locked = 0, opened = 0, end = 0, endless = 0;
    bool some = false;

    for (unsigned i = 0; i < WHO; i++) {
        const struct row_model *m = &model[i];
        const struct entry *e = &source[i];
        some = some || e->in;
        if (!m->follows)
            continue;
        open += !m->locked && !m->gone;
        lost +=
            !m->locked && !m->gone && (closes(e) || (m->gave_hash && !e->hash));
        locked += m->locked;
        opened += m->locked && !closes(e);
        end += m->gave_end;
        endless +=
            m->gave_end && e->in && !is_odd(e, FLAW_BREAKS) && !end_of(e);
    }
    return !some || too_many(lost, open) || too_many(opened, locked) ||
           too_many(endless, end);
}

/* Returns true if this person can be the new name of a row that the source has
 * lost. */
static bool is_renamed(unsigned who)
{
    for (unsigned i = 0; i < WHO; i++)
        if (model[i].follows &&
            (!source[i].in || is_odd(&source[i], FLAW_BREAKS)) &&
            PERSON(i) == PERSON(who))
            return true;
    return false;
}

/* Lets the row follow the entry. */
static void model_follow(struct row_model *m, const struct entry *e)
{
    m->gone = m->gone && is_odd(e, FLAW_BREAKS);
    m->locked = closes(e);
    if (is_odd(e, FLAW_BREAKS))
        return;
    m->hash = e->hash || m->gave_hash ? e->hash : m->hash;
    m->end = end_of(e) || m->gave_end ? end_of(e) : m->end;
    m->gave_hash = e->hash;
    m->gave_end = end_of(e);
}

static int model_sync(bool most)
{
    bool fresh[WHO];
    int status = 0;

    if (!most && loses_most())
        return EX_DATAERR;
    for (unsigned i = 0; i < WHO; i++)
        fresh[i] = !model[i].keeps && !is_renamed(i);
    for (unsigned i = 0; i < WHO; i++) {
        struct row_model *m = &model[i];
        const struct entry *e = &source[i];

        if (e->in && is_odd(e, FLAW_BREAKS))
            status = EX_DATAERR;
        else if (e->in && !m->is && !fresh[i])
            status = EX_DATAERR;
        else if (e->in && !m->is)
            *m = (struct row_model){ .is = true, .follows = true };
        if (m->follows && e->in)
            model_follow(m, e);
        m->gone = m->follows && (m->gone || !e->in);
    }
    return status;
}

/* An import without --sync keeps an existing row, and its new rows follow
 * nothing. */
static int model_import(void)
{
    int status = 0;

    for (unsigned i = 0; i < WHO; i++) {
        struct row_model *m = &model[i];
        const struct entry *e = &source[i];

        if (!e->in || (m->is && !is_odd(e, FLAW_BREAKS)))
            continue;
        if (m->keeps || is_odd(e, FLAW_BREAKS))
            status = EX_DATAERR;
        else
            *m = (struct row_model){ .is = true,
                                     .by_hand = closes(e),
                                     .hash = e->hash,
                                     .end = end_of(e) };
    }
    return status;
}

static int model_add(struct row_model *m)
{
    if (m->is || m->keeps)
        return m->is ? EX_DATAERR : EX_CANTCREAT;
    *m = (struct row_model){ .is = true, .hash = ADMINS };
    return 0;
}

static int model_order(enum verb verb, struct row_model *m, unsigned end)
{
    if (!m->is)
        return EX_NOUSER;
    if ((verb == UNLOCK && !m->hash) || (verb == DEL && m->follows && !m->gone))
        return EX_DATAERR;
    if (verb == LOCK || verb == UNLOCK)
        m->by_hand = verb == LOCK;
    if (verb == UNLOCK && (m->locked || m->gone))
        return EX_DATAERR;
    if (verb == PASSWD || verb == OWN) {
        m->hash = ADMINS;
        m->gave_hash = false;
    }
    if (verb == PASSWD || verb == EXPIRES) {
        m->end = verb == PASSWD ? ADMINS : end;
        m->gave_end = false;
    }
    if (verb == OWN || (verb == FOLLOW && !m->follows)) {
        m->follows = verb == FOLLOW;
        m->locked = m->gone = m->gave_hash = m->gave_end = false;
    }
    if (verb == DEL)
        *m = (struct row_model){ .keeps = m->keeps };
    return 0;
}

/* Returns a flaw of the format; or NULL, for half of the numbers. */
static const struct flaw *flaw_of(unsigned pick)
{
    unsigned n = 0;

    for (size_t i = 0; i < FLAWS; i++)
        n += flaws[i].converter == format->converter;
    pick %= 2 * n;
    for (size_t i = 0; i < FLAWS; i++)
        if (flaws[i].converter == format->converter && pick-- == 0)
            return &flaws[i];
    return NULL;
}

static void change_source(const struct step *s)
{
    struct entry *e = &source[s->who];
    const struct entry other = source[0];

    if (s->verb == KEEP && model[s->who].is) {
        file_write(in(in(world.homes, names[s->who]), "file"), "x");
        model[s->who].keeps = true;
    }
    e->in ^= s->verb == COMES;
    e->locked ^= s->verb == LOCKS;
    e->hash = s->verb == HASH ? s->version : e->hash;
    e->odd = s->verb == HASH ? s->pick : e->odd;
    if (s->verb == FLAW)
        e->flaw = flaw_of(s->pick);
    e->end = s->verb == END ? s->version : e->end;
    if (s->verb == CASE) {
        source[0] = source[1];
        source[1] = other;
    }
}

/* The users file. */

/* Adds LAYOUT with the values of the entry WHO. */
static void add_layout(struct buf *to, const char *layout, unsigned who)
{
    static const char *const odd[] = { "*", "", "$1$x", "x", "{SSHA}x", "$6$" };
    const struct entry *e = &source[who];
    const char *flaw = e->flaw ? e->flaw->text : "";

    for (; *layout; layout++) {
        if (*layout != '%') {
            buf_add(to, layout, 1);
            continue;
        }
        switch (*++layout) {
        case 'N':
            buf_add_text(to, names[who]);
            break;
        case 'P':
            buf_add_format(to, "%s%s", e->locked ? "!" : "",
                           e->hash
                               ? hash_of(who, e->hash)
                               : odd[e->odd % (sizeof(odd) / sizeof(*odd))]);
            break;
        case 'E':
            if (e->end)
                buf_add_format(to,
                               !format->converter ? "expires=%s"
                               : *format->converter == 'l'
                                   ? "shadowExpire: %s\n"
                                   : "%s",
                               format->converter ? days[e->end] : ends[e->end]);
            break;
        case 'A':
            buf_add_text(to, flaw[0] ? flaw : "x");
            break;
        case 'Z':
            buf_add(to, "x\0", 2);
            break;
        case 'L':
            buf_add_format(to, "networks=%05000d", 1);
            break;
        default:
            add_layout(to, flaw, who);
        }
    }
}

static void write_layouts(const char *path, bool account)
{
    struct buf b;

    buf_init(&b, 1 << 16);
    for (unsigned i = 0; i < WHO; i++) {
        const struct flaw *flaw = source[i].flaw;

        if (source[i].in)
            add_layout(&b,
                       account                ? format->account
                       : flaw && flaw->layout ? flaw->layout
                                              : format->layout,
                       i);
    }
    files_write(path, b.data, b.len, 0600);
    buf_release(&b);
}

static void write_source(void)
{
    char words[512];

    write_layouts(format->converter ? "raw" : "source", false);
    if (format->account)
        write_layouts("accounts", true);
    if (!format->converter)
        return;
    snprintf(words, sizeof(words),
             "awk -f " BUILD_DIR
             "/share/sallyport/import/%s %s raw >source 2>errors",
             format->converter, format->account ? "accounts" : "");
    if (system(words) != 0)
        snprintf(why, sizeof(why), "%s", file_text("errors"));
}

/* Returns the name of an entry that the run had to skip and didn't name, or
 * NULL. */
static const char *unnamed(const char *said)
{
    char words[64];

    for (unsigned i = 0; i < WHO; i++) {
        snprintf(words, sizeof(words), "%s: skipped: ", names[i]);
        if (source[i].in && is_odd(&source[i], FLAW_BREAKS) &&
            !strstr(said, words))
            return names[i];
    }
    return NULL;
}

static const char *fault_of(const struct user *row, struct row_model *m,
                            unsigned who)
{
    const bool closed = m->locked || m->gone || !m->hash;
    int64_t end = 0;
    struct stat st;

    if (!row || !m->is)
        return row ? "it is there" : m->is ? "it isn't there" : NULL;
    if (m->uid ? row->uid != m->uid : row->uid <= last_uid)
        return "its uid";
    last_uid = m->uid ? last_uid : row->uid;
    m->uid = row->uid;
    if (stat(row->home, &st) < 0 || st.st_uid != m->uid ||
        strcmp(row->home, in(world.homes, names[who])) != 0)
        return "its home";
    if (row->locked != (m->by_hand || closed))
        return row->locked ? "it is locked" : "it is open";
    if (row->locked_by_hand != m->by_hand)
        return "its lock by hand";
    if (m->hash && strcmp(row->hash, hash_of(who, m->hash)) != 0)
        return "its hash";
    if (m->end)
        user_expires_parse(slice_from(ends[m->end]), &end);
    return row->expires != end                 ? "its end"
           : (row->sync.len > 0) != m->follows ? "its source"
                                               : NULL;
}

static bool agrees(void)
{
    struct users u;

    edit_load_users(&u, world.users, NULL);
    for (unsigned i = 0; i < WHO && !why[0]; i++) {
        const char *fault =
            fault_of(users_find(&u, slice_from(names[i])), &model[i], i);

        if (fault)
            snprintf(why, sizeof(why), "%s: %s:\n%.800s", names[i], fault,
                     file_text(world.users));
    }
    users_release(&u);
    return !why[0];
}

static void words_of(const struct step *s, char out[128])
{
    const char *after = verbs[s->verb][1];

    snprintf(out, 128, "%s%s%s%s", verbs[s->verb][0],
             s->verb > IMPORT ? names[s->who] : "", after ? after : "",
             s->verb != EXPIRES ? ""
             : s->version       ? ends[ADMINS]
                                : "none");
}

static bool play_step(const struct step *s)
{
    static struct run r;
    char words[128], hash[160], text[4096];
    int status;

    if (s->verb >= KEEP) {
        change_source(s);
        return true;
    }
    status = s->verb <= MOST     ? model_sync(s->verb == MOST)
             : s->verb == IMPORT ? model_import()
             : s->verb == ADD    ? model_add(&model[s->who])
                                 : model_order(s->verb, &model[s->who],
                                            s->version ? ADMINS : 0);
    write_source();
    words_of(s, words);
    snprintf(hash, sizeof(hash), "%s\n", hash_of(s->who, ADMINS));
    run_ctl(&r, hash, words);
    if (r.code != status)
        snprintf(why, sizeof(why), "%s: status %d, not %d:\n%.400s%.400s",
                 words, r.code, status, r.out, r.err);
    else if (s->verb <= IMPORT && !strstr(r.err, "nothing has changed") &&
             unnamed(r.out))
        snprintf(why, sizeof(why), "%s: %s isn't named:\n%.800s", words,
                 unnamed(r.out), r.out);
    if (!agrees() || s->verb > MOST)
        return !why[0];
    snprintf(text, sizeof(text), "%s", file_text(world.users));
    run_ctl(&r, "", verbs[SYNC][0]);
    if (strcmp(text, file_text(world.users)) != 0)
        snprintf(why, sizeof(why), "again: %.900s", r.out);
    return !why[0];
}

static bool play(const struct step *steps, size_t n)
{
    scratch_remove();
    world_make();
    cr_assert_eq(chdir(scratch), 0);
    memset(source, 0, sizeof(source));
    for (unsigned i = 1; i < WHO; i++)
        source[i] = (struct entry){ .in = true, .hash = 1 };
    memset(model, 0, sizeof(model));
    last_uid = 0;
    why[0] = '\0';
    for (size_t i = 0; i < n; i++)
        if (!play_step(&steps[i]))
            return false;
    return true;
}

/* Leaves out each step that the failure doesn't need, and prints the other
 * steps. */
static void explain(struct step *steps, size_t n, unsigned seed)
{
    struct step less[STEPS];
    char words[128];

    for (size_t i = n; i-- > 0;) {
        memcpy(less, steps, i * sizeof(*steps));
        memcpy(less + i, steps + i + 1, (n - i - 1) * sizeof(*steps));
        if (!play(less, n - 1))
            memcpy(steps, less, --n * sizeof(*steps));
    }
    play(steps, n);
    for (size_t i = 0; i < n; i++) {
        words_of(&steps[i], words);
        printf("%s (%u, %u)\n", words, steps[i].version, steps[i].pick);
    }
    cr_expect_fail("SALLYPORT_SEED=%u: %s", seed, why);
}

Test(sync, as_a_model_has_it)
{
    const char *given = getenv("SALLYPORT_SEED");
    const unsigned first = given ? (unsigned)atoi(given) : 1,
                   rounds = given       ? 1
                            : is_long() ? 300
                                        : 3;

    if (geteuid() != 0) /* for another user all homes have one owner */
        world_skip("needs root");
    for (unsigned seed = first; seed < first + rounds; seed++) {
        struct step steps[STEPS];
        uint8_t noise[STEPS][3];

        files_noise(noise, sizeof(noise), seed);
        format = &source_formats[seed % SOURCE_FORMATS];
        for (size_t i = 0; i < STEPS; i++) {
            /* The numbers above VERBS are FLAW and SYNC, too. */
            const unsigned verb = noise[i][0] % (VERBS + 12);

            steps[i] = (struct step){ verb < VERBS       ? verb
                                      : verb < VERBS + 4 ? FLAW
                                                         : SYNC,
                                      noise[i][1] % WHO, noise[i][2] % 3,
                                      noise[i][2] };
        }
        if (!play(steps, STEPS)) {
            explain(steps, STEPS, seed);
            return;
        }
    }
}
