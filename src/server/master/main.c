/* The process master, which the supervisor starts. It has root if root started
 * the service. It opens all that other processes need, starts them, forks
 * files, and keeps the list of sessions. It parses no byte that a client
 * sent. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/complain.h"
#include "sallyport/base/fd.h"
#include "sallyport/ipc/generation.h"
#include "sallyport/sandbox/sandbox.h"
#include "start/start.h"

#define REMARKS_MS 10000
/* ms for a look at all homes and a try of all mounts, less than the
 * supervisor's deadline of a start; MOUNTS_MS: at least, for the tries. */
#define CHECK_MS  40000
#define MOUNTS_MS 10000

/* Reports all mistakes in the users file and in the users' homes, and the
 * properties that the homes' disks lack. Returns 0; EX_CONFIG: there was a
 * mistake; EX_TEMPFAIL: not all could be looked at. */
static int survey_users(const struct master *m)
{
    FD_CLEANUP int fd =
        open(m->settings.users, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    FD_CLEANUP int table = -1;
    struct complaint c = { "" };
    const bool wrong = m->users->edition == 0;
    int homes, mounts;

    if (fd < 0 ||
        settings_check_file(fd, m->settings.users, SETTINGS_PRIVATE, &c) < 0)
        return 0; /* prepare_users() has reported it */
    table = reader_ask(m, "check-users", m->settings.users, fd, HELPER_MS, &c);
    if (table < 0 && !wrong)
        stderr_print("%s", c.text);
    if (table < 0)
        return wrong ? 0 : table == -EINVAL ? EX_CONFIG : EX_TEMPFAIL;
    const uint64_t end = clock_ms() + CHECK_MS;

    homes = helper_check(m, "homes", table, CHECK_MS - MOUNTS_MS);
    mounts = helper_check(m, "mounts", table, (int)(end - clock_ms()));
    return wrong || homes == EX_CONFIG ? EX_CONFIG : mounts ? mounts : homes;
}

/* The steps that take a part of check's answer are in the order in which check
 * sends the parts: at a start, check stops after a mistake. */
static const struct {
    int (*prepare)(struct master *m, struct complaint *c);
    int status;
    /* For --check: reports all mistakes, not only the first. Returns 0, or the
     * exit status. */
    int (*survey)(const struct master *m);
} steps[] = {
    { prepare_by_check, EX_OSERR, NULL },
    { prepare_identities, EX_CONFIG, NULL },
    { prepare_sandbox, EX_OSERR, NULL },
    { certificates_open, EX_CONFIG, NULL },
    { prepare_limits, EX_CONFIG, NULL },
    { prepare_memory, EX_OSERR, NULL }, /* prepare_users() needs the board */
    { prepare_users, EX_CONFIG, survey_users },
    { prepare_empty, EX_CONFIG, NULL },
    { prepare_state, EX_CONFIG, NULL },
    { prepare_output, EX_CONFIG, NULL },
    { prepare_listeners, EX_CONFIG, NULL },
    { prepare_control, EX_CONFIG, NULL },
};

static noreturn void end_start(struct master *m, int status, const char *why)
{
    SUCCESSION_SAY(&m->succession, start_failed, 0, .why = slice_from(why));
    die(status, "%s", why);
}

static void prepare_settings(struct master *m, const struct start_options *o)
{
    FD_CLEANUP int fd = -1;
    struct complaint c = { "" };
    int loaded;

    /* Open the programs first, since reader and check are programs, too. */
    if (programs_open(&m->succession, m->programs, &c) < 0)
        end_start(m, EX_OSERR, c.text);
    if (!m->check)
        m->helpers_until = clock_ms() + HELPER_MS;
    /* After a crash use the settings that were in force, even if the file has
     * changed. */
    if (m->succession.recovery)
        fd = succession_inherit(&m->succession, "settings");
    loaded = fd < 0 ? helper_settings(m, o->config, &c)
                    : settings_take(&m->settings, fd, &c);
    if (fd >= 0)
        m->conf = fd_take(&fd);
    if (loaded >= 0)
        return;
    if (!c.text[0]) /* reader has printed everything */
        _exit(EX_CONFIG);
    end_start(m, loaded == -EINVAL ? EX_CONFIG : EX_TEMPFAIL, c.text);
}

/* --check reports all mistakes; a start stops at the first mistake. */
static void prepare(struct master *m)
{
    struct complaint c = { "" };
    int failed = m->settings.retired.text[0] ? EX_CONFIG : 0;

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        int r = steps[i].prepare(m, &c);
        const int said = m->check && steps[i].survey ? steps[i].survey(m) : 0;
        /* systemd retries after EX_TEMPFAIL, not after EX_CONFIG. */
        int status = said ? said : r == -EINVAL ? steps[i].status : EX_TEMPFAIL;

        if (r == 0 && !said)
            continue;
        if (!m->check) {
            /* If a disk doesn't answer, or reader is late with the users file,
             * a later try may succeed without a change by the administrator. */
            struct complaint words = { "" };

            complain(&words, "%s%s", r == -ETIMEDOUT ? GENERATION_AGAIN : "",
                     c.text);
            SUCCESSION_SAY(&m->succession, start_failed, 0,
                           .why = slice_from(words.text));
            die(status, "%s", c.text);
        }
        if (!said && c.text[0]) /* a part that check hasn't done has no line */
            stderr_print("%s", c.text);
        c.text[0] = '\0';
        failed = failed ? failed : status;
    }
    if (failed)
        _exit(failed);
}

/* Asks the supervisor to keep everything from which a recovery starts, since
 * the disk may be in disorder then. The keys and the programs are necessary:
 * without the programs a recovery could execute a package that is half
 * installed. A recovery can open or make everything else again. */
static void keep_for_recovery(struct master *m)
{
    char name[GENERATION_NAME_MAX];
    struct complaint c = { "" };
    int r = secrets_keep(m);

    if (r == 0)
        r = programs_keep(&m->succession, m->programs);
    if (r < 0) {
        complain(&c, "the supervisor can't keep keys and programs: %s",
                 strerror(-r));
        end_start(m, EX_TEMPFAIL, c.text);
    }
    succession_keep(&m->succession, "settings", m->conf);
    succession_keep(&m->succession, "users", m->users->fd);
    prepare_keep(m);
    for (size_t i = 0; i < SETUP_PLACES; i++)
        succession_keep_file(&m->succession, m->certificates->file[i].name,
                             m->certificates->file[i].fd);
    snprintf(name, sizeof(name), GENERATION_SESSIONS "%" PRIu64,
             m->succession.generation);
    succession_keep(&m->succession, name, m->memory[MEMORY_ROSTER]);
    older_inherit(m);
    succession_close_untaken(&m->succession);
}

/* Call it after the start of the children, and before master reads any of their
 * messages. */
static void enter_sandbox(struct master *m)
{
    struct sandbox_plan plan = { .root = m->root,
                                 .root_fd = -1,
                                 .filter = &filter_master,
                                 .max_files = prepare_descriptors(m),
                                 .allow_weaker = m->settings.allow_weaker };
    struct complaint c = { "" };
    unsigned weaker;

    event_syscalls_by(&m->events);
    sandbox_on_refused(event_on_syscall);
    if (sandbox_enter(PROCESS_MASTER, &plan, &weaker, &c) < 0)
        master_fail(m, EX_OSERR, c.text);
}

static int serve(struct master *m)
{
    struct complaint c = { "" };
    int r = master_start(m), status;

    if (r < 0) {
        complain(&c, "can't start: %s", strerror(-r));
        end_start(m, EX_OSERR, c.text);
    }
    enter_sandbox(m);
    status = master_run(m);
    if (status == 0 && m->check)
        puts("configuration is fine");
    master_release(m);
    return fflush(stdout) == 0 ? status : EX_IOERR;
}

int main(int argc, char **argv)
{
    static struct master master;
    static struct master_parts parts;
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    struct start_options o;
    struct complaint hint = { "" };
    int wrong = options_parse(&o, argc, argv);

    if (wrong || o.help) {
        if (!wrong)
            options_help(stdout);
        return wrong;
    }
    if (o.version)
        return puts("sallyportd " SALLYPORT_VERSION) < 0 ? EX_IOERR : 0;
    process_title_init(argc, argv);
    process_comm(PROCESS_MASTER);
    stderr_title("sallyportd");
    master_init(&master);
    parts_attach(&master, &parts);
    if (succession_open(&master.succession) < 0)
        die(EX_USAGE, "this program is started by sallyportd");
    master.root = geteuid() == 0;
    master.check = o.check;
    master.auth_count = cores < 1              ? 1
                        : cores > MASTER_AUTHS ? MASTER_AUTHS
                                               : (size_t)cores;
    prepare_settings(&master, &o);
    prepare(&master);
    keep_for_recovery(&master);
    /* Set the title only now: it overwrites the memory to which the options
     * point. */
    process_title("sallyport: master");
    if (!master.succession.recovery) { /* a recovery doesn't repeat the
                                        * remarks */
        helper_check(&master, "remarks", master.users->table, REMARKS_MS);
        if (access_hint(&master.settings, &master.users->users, &hint))
            stderr_print("hint: %s", hint.text);
        if (!master.check)
            helper_survey(&master, master.users->table);
    }
    return serve(&master);
}
