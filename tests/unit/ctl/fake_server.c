/* The fake server's process. */
#include "fake_server.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "sallyport/ipc/channel.h"
#include "world.h"

#define FAKE_MS 20000

static pid_t server;

/* The process ends with the test, also if the test ended before the signal was
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

    snprintf(at.sun_path, sizeof(at.sun_path), "%s",
             in(world.folder, "control"));
    cr_assert_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    cr_assert_eq(listen(fd, 8), 0);
    const pid_t test = getpid();
    server = fork();
    cr_assert_geq(server, 0);
    if (server == 0)
        serve(fd, play, test);
    close(fd);
}

void fake_end(void)
{
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    unlink(in(world.folder, "control"));
}

void fake_welcome(struct channel *c)
{
    SEND(c, welcome, 0, .version = SLICE("0.1.0"), .pid = 4711);
}

bool fake_hears(struct channel *c, struct message *m)
{
    return channel_wait(c, m, FAKE_MS) == 1;
}

bool fake_hands_on(struct channel *c, struct channel *files,
                   struct message *find)
{
    struct message m;
    int ends[2];

    fake_welcome(c);
    if (!fake_hears(c, &m) || fd_pair(ends) < 0)
        return false;
    FAKE_SAYS(c, &m, partials_channel, .files = ends[0]);
    close(ends[0]);
    channel_init(files, ends[1], PROCESS_FILES, PROCESS_CTL, PHASE_IDLE);
    return fake_hears(files, find);
}
