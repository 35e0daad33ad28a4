/* The fake server's process. */
#include "fake_server.h"

#include <ctype.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/un.h>

#include "ctl/ctl.h"
#include "sallyport/ipc/shown.h"
#include "world.h"

static pid_t fake;

/* Serves until the test ends, even if the test ends before the signal is
 * requested. */
static _Noreturn void serve(int listener, fake_play *play, pid_t test)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != test)
        _exit(0);
    signal(SIGPIPE, SIG_IGN);
    for (;;) {
        struct channel c;
        int fd = accept(listener, NULL, NULL);

        if (fd < 0)
            _exit(1);
        channel_init(&c, fd, PROCESS_MASTER, PROCESS_CTL, PHASE_IDLE);
        play(&c);
        channel_close(&c);
    }
}

void fake_begin(fake_play *play)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    snprintf(at.sun_path, sizeof(at.sun_path), "%s", in_scratch("control"));
    cr_assert_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    cr_assert_eq(listen(fd, 8), 0);
    const pid_t test = getpid();
    fake = fork();
    cr_assert_geq(fake, 0);
    if (fake == 0)
        serve(fd, play, test);
    close(fd);
}

void fake_end(void)
{
    kill(fake, SIGKILL);
    waitpid(fake, NULL, 0);
    unlink(in_scratch("control"));
}

void fake_welcome(struct channel *c)
{
    SEND(c, welcome, 0, .version = SLICE(SALLYPORT_VERSION), .pid = 4711);
}

void fake_welcome_older(struct channel *c)
{
    SEND(c, welcome, 0, .version = SLICE("0.1.0"), .pid = 4711);
}

void fake_row(struct channel *c, const char *table, ...)
{
    struct shown_row r = { 0 };
    const char *name;
    va_list args;

    va_start(args, table);
    while ((name = va_arg(args, const char *)))
        r.len += (size_t)snprintf(r.bytes + r.len, sizeof(r.bytes) - r.len,
                                  "%s%s%c%s", isalpha(name[0]) ? "=" : "", name,
                                  '\0', va_arg(args, const char *)) +
                 1;
    va_end(args);
    shown_send(c, heard.request, table, &r);
}

static fake_enter *files_enter;
static fake_find *files_find;

bool fake_ready(const struct files_start *start, struct channel *master)
{
    (void)start;
    return SEND(master, ready, 0) == 0;
}

static void play_files(const struct files_start *start)
{
    struct channel master, asks;

    channel_init(&master, start->master, PROCESS_FILES, PROCESS_MASTER,
                 PHASE_START);
    channel_init(&asks, start->session, PROCESS_FILES, PROCESS_CTL, PHASE_IDLE);
    if (files_enter(start, &master) && cast_hear(&asks))
        files_find(&asks);
    _exit(0);
}

void fake_files_are(fake_enter *enter, fake_find *find)
{
    files_enter = enter ? enter : fake_ready;
    files_find = find;
    partials_files = play_files;
}
