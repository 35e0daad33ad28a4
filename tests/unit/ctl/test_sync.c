/* A model of "user import --sync": a source whose users come, go, and lose
 * attributes, and an administrator who gives orders between the runs. After
 * each run and each order the users file must agree with the model: an order
 * holds until it is taken back, an attribute that vanishes opens no account, a
 * second run with the same source changes nothing, and no user gets another
 * user's home or uid. SALLYPORT_SEED=NUMBER repeats a failure. */
#include "ctl/ctl.h"
#include "support/long.h"
#include "world.h"

TestSuite(sync, .init = world_make, .fini = scratch_remove, .timeout = 1200,
          WITHOUT_SANITIZERS);

#define WHO   6
#define STEPS 60
#define ADMINS                                                                 \
    3 /* the hash's version and the end that only the administrator sets */
#define S43 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ./01234"

/* The first two names are one person: the source changes a letter's case. */
static const char *const names[WHO] = { "Anna", "anna", "bert",
                                        "carl", "dora", "emil" };
#define PERSON(who) ((who) < 2 ? 1 : (who))
static const char *const ends[] = { "", "2001-01-01", "2099-01-01",
                                    "2098-01-01" };

static struct entry {
    bool in, locked;
    unsigned hash, end; /* versions; 0: none */
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
    VERBS
};
/* The words before and after the user's name: a command, or a change of the
 * source. */
static const char *const verbs[VERBS][2] = {
    [SYNC] = { "user import source --sync dir" },
    [MOST] = { "user import source --sync dir --most" },
    [LOCK] = { "user lock " },
    [UNLOCK] = { "user unlock " },
    [PASSWD] = { "user change ", " --hash-stdin --expires 2098-01-01" },
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
};
struct step {
    enum verb verb;
    unsigned who, version;
};
static char why[1024];

static const char *hash_of(unsigned who, unsigned version)
{
    static char text[128];

    snprintf(text, sizeof(text), "$6$%u%u$" S43 S43, PERSON(who), version);
    return text;
}

/* The model. */

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
        const bool closes = !e->in || e->locked;

        some = some || e->in;
        if (!m->follows)
            continue;
        open += !m->locked && !m->gone;
        lost +=
            !m->locked && !m->gone && (closes || (m->gave_hash && !e->hash));
        locked += m->locked;
        opened += m->locked && !closes;
        end += m->gave_end;
        endless += m->gave_end && e->in && !e->end;
    }
    return !some || too_many(lost, open) || too_many(opened, locked) ||
           too_many(endless, end);
}

/* Returns true if this person can be the new name of a row that the source has
 * lost. */
static bool is_renamed(unsigned who)
{
    for (unsigned i = 0; i < WHO; i++)
        if (model[i].follows && !source[i].in && PERSON(i) == PERSON(who))
            return true;
    return false;
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

        if (e->in && !m->is && !fresh[i])
            status = EX_DATAERR;
        else if (e->in && !m->is)
            *m = (struct row_model){ .is = true, .follows = true };
        m->gone = m->follows && !e->in;
        if (!m->follows || m->gone)
            continue;
        m->hash = e->hash || m->gave_hash ? e->hash : m->hash;
        m->end = e->end || m->gave_end ? e->end : m->end;
        m->gave_hash = e->hash;
        m->gave_end = e->end;
        m->locked = e->locked;
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
    e->end = s->verb == END ? s->version : e->end;
    if (s->verb == CASE) {
        source[0] = source[1];
        source[1] = other;
    }
}

/* The users file. */

static void write_source(void)
{
    char text[4096] = "[";

    for (unsigned i = 0; i < WHO; i++) {
        const struct entry *e = &source[i];
        const size_t len = strlen(text);

        if (e->in)
            snprintf(text + len, sizeof(text) - len,
                     "%s{\"name\":\"%s\",\"hash\":\"%s\",\"locked\":%d,"
                     "\"expires\":%s%s%s}",
                     len > 1 ? "," : "", names[i],
                     e->hash ? hash_of(i, e->hash) : "", e->locked,
                     e->end ? "\"" : "null", ends[e->end], e->end ? "\"" : "");
    }
    file_write("source", strcat(text, "]\n"));
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
             s->verb > MOST ? names[s->who] : "", after ? after : "",
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
    status = s->verb <= MOST  ? model_sync(s->verb == MOST)
             : s->verb == ADD ? model_add(&model[s->who])
                              : model_order(s->verb, &model[s->who],
                                            s->version ? ADMINS : 0);
    write_source();
    words_of(s, words);
    snprintf(hash, sizeof(hash), "%s\n", hash_of(s->who, ADMINS));
    run_ctl(&r, hash, words);
    if (r.code != status)
        snprintf(why, sizeof(why), "%s: status %d, not %d:\n%.400s%.400s",
                 words, r.code, status, r.out, r.err);
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
        printf("%s (%u)\n", words, steps[i].version);
    }
    cr_expect_fail("SALLYPORT_SEED=%u: %s", seed, why);
}

Test(sync, as_a_model_has_it)
{
    const char *given = getenv("SALLYPORT_SEED");
    const unsigned first = given ? (unsigned)atoi(given) : (unsigned)time(NULL),
                   rounds = given       ? 1
                            : is_long() ? 200
                                        : 4;

    if (geteuid() != 0) /* for another user all homes have one owner */
        world_skip("needs root");
    for (unsigned seed = first; seed < first + rounds; seed++) {
        struct step steps[STEPS];
        uint8_t noise[STEPS][3];

        files_noise(noise, sizeof(noise), seed);
        for (size_t i = 0; i < STEPS; i++) {
            /* The numbers above VERBS are SYNC, too. */
            const unsigned verb = noise[i][0] % (VERBS + 6);

            steps[i] = (struct step){ verb < VERBS ? verb : SYNC,
                                      noise[i][1] % WHO, noise[i][2] % 3 };
        }
        if (!play(steps, STEPS)) {
            explain(steps, STEPS, seed);
            return;
        }
    }
}
