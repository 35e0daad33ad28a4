/* Executes reader and check for a start, and waits for their end. */
#include "start.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/complain.h"
#include "sallyport/base/fd.h"

#define SURVEY_MS 10000

/* Returns the ms that are left of the helpers' time. */
static int helper_time_left(const struct master *m)
{
    const uint64_t now = clock_ms();

    if (m->helpers_until == 0)
        return HELPER_MS;
    return now < m->helpers_until ? (int)(m->helpers_until - now) : 0;
}

int helper_settings(struct master *m, const char *path, struct complaint *c)
{
    FD_CLEANUP int file = settings_open(path, c);
    FD_CLEANUP int answer = -1;

    if (file < 0)
        return file;
    answer = reader_ask(m, m->check ? "check" : "settings", path, file,
                        helper_time_left(m), c);
    if (answer < 0)
        return answer;
    if (settings_take(&m->settings, answer, c) < 0)
        return -EINVAL;
    m->conf = fd_take(&answer);
    return 0;
}

/* Says that check was late, with the words LATE, or after the words BEFORE that
 * it didn't start or was killed by a signal: then it has printed nothing. */
static void say_failure(int status, const char *late, const char *before)
{
    struct complaint c = { "" };

    if (status == -ETIMEDOUT) {
        stderr_print("%s", late);
    } else if (status < 0 || WIFSIGNALED(status)) {
        exec_failed("check", status, &c);
        stderr_print("%s%s", before, c.text);
    }
}

int helper_check(const struct master *m, const char *mode, int users,
                 int wait_ms)
{
    static const struct {
        const char *mode, *words;
    } late[] = {
        { "homes", "the homes weren't all looked at in time: one of them "
                   "hangs, or they are slow" },
        { "mounts", "the mounts weren't all tried in time: one of them hangs, "
                    "or they are slow" },
        { "remarks", "warning: no hints are given: the program check is late" },
    };
    const struct helper check = {
        .name = "check",
        .argv = { "sallyport: check", mode, m->key_lost.text },
        .fd = { m->conf, users },
    };
    int status = exec_helper(m, &check, wait_ms);

    for (size_t i = 0; i < sizeof(late) / sizeof(late[0]); i++)
        if (strcmp(mode, late[i].mode) == 0)
            say_failure(status, late[i].words, "");
    if (status >= 0 && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FAILURE)
        return EX_CONFIG;
    return status != 0 ? EX_TEMPFAIL : 0;
}

void helper_survey(struct master *m, int users)
{
    const struct helper check = {
        .name = "check",
        .argv = { "sallyport: check", "start", "" },
        .fd = { m->conf, users, m->memory[MEMORY_SURVEY] },
    };

    m->survey = exec_start_helper(m, &check);
}

static void survey_on_end(void *owner, int status)
{
    (void)owner;
    say_failure(status,
                "warning: the homes weren't all looked at in time: one of "
                "them hangs, or they are slow",
                "warning: not all homes were looked at: ");
}

/* Check can have ended before master watched its children. */
void helper_watch_survey(struct master *m)
{
    int status = m->survey < 0 ? m->survey : 0;

    if (m->survey > 0 && waitpid(m->survey, &status, WNOHANG) == 0)
        errand_watch(m, m->survey, SURVEY_MS, survey_on_end, &m->survey);
    else
        survey_on_end(m, status);
    m->survey = 0;
}

/* Executes check with the question P. *P gets the answers that check has
 * written before its end. Returns 0; or, with the complaint, -ETIMEDOUT: check
 * is late; -EIO: check has failed, or couldn't be asked. */
static int helper_ask(const struct master *m, struct prepared *p,
                      struct complaint *c)
{
    FD_CLEANUP int file = memfd_create("prepared", MFD_CLOEXEC);
    const struct helper check = { .name = "check",
                                  .argv = { "sallyport: check", "prepare", "" },
                                  .fd = { m->conf, file } };
    int status, r = 0;

    if (file < 0 || pwrite(file, p, sizeof(*p), 0) != (ssize_t)sizeof(*p)) {
        complain(c, "memfd: %s", strerror(errno));
        return -EIO; /* it may succeed when it is tried again */
    }
    status = exec_helper(m, &check, helper_time_left(m));
    if (pread(file, p, sizeof(*p), 0) != (ssize_t)sizeof(*p) || status != 0) {
        exec_failed("check", status, c);
        r = status == -ETIMEDOUT ? status : -EIO;
    }
    return r;
}

/* If check was late or has failed, reports the part at which check stopped. */
void helper_prepare(const struct master *m, struct prepared *p)
{
    const struct settings *s = &m->settings;
    const char *place = NULL; /* what the part opens or makes; its disk can
                               * hang */
    struct complaint why = { "" };
    struct prepared_answer *a;
    int r;

    for (unsigned i = p->done; i < PREPARED_PARTS; i++)
        p->answer[i].result = p->wanted[i] ? -ECANCELED : 0;
    r = helper_ask(m, p, &why);
    if (r == 0)
        return;
    while (p->done < PREPARED_PARTS && !p->wanted[p->done])
        p->done++;
    if (p->done == PREPARED_PARTS)
        return;
    a = &p->answer[p->done];
    if (p->done == PREPARED_KEY)
        place = s->partials_key[0] ? s->partials_key : s->state;
    else if (p->done == PREPARED_EMPTY)
        place = s->empty;
    if (r == -ETIMEDOUT && place) {
        complain(&a->why, "%s: its disk doesn't answer", place);
        a->result = -ETIMEDOUT;
    } else {
        a->why = why;
        a->result = -EIO;
    }
}
