/* See played.h. */
#include "played.h"

#include <sys/prctl.h>

#include "sallyport/base/fd.h"
#include "sallyport/ipc/generation.h"

#define BYTE_MS 20000

struct channel played_channel;
char played_heading[64];
int played_program;
char *const *played_arguments;
static played_master *played_as;

void played_enter(uint64_t version)
{
    ssize_t n = pread(GENERATION_NAMES_FD, played_heading,
                      sizeof(played_heading) - 1, 0);

    played_heading[n < 0 ? 0 : n] = '\0';
    channel_init(&played_channel, GENERATION_CHANNEL_FD, PROCESS_MASTER,
                 PROCESS_SUPERVISOR, PHASE_RUN);
    if (SEND(&played_channel, hello, 0, .version = version) < 0)
        _exit(99);
}

bool played_is(const char *number)
{
    const char *own = strchr(played_heading, ' ') + 1;
    size_t n = strlen(number);

    return strncmp(own, number, n) == 0 && own[n] == '\n';
}

bool played_recovers(void)
{
    return strncmp(played_heading, "recovery", 8) == 0;
}

static struct board *the_board(void)
{
    static struct board *board;
    char names[4096] = "", *at;

    if (board)
        return board;
    if (pread(GENERATION_NAMES_FD, names, sizeof(names) - 1, 0) < 0)
        _exit(97);
    at = strstr(names, " " BOARD_NAME "\n");
    while (at && at > names && at[-1] != '\n')
        at--;
    if (!at || SHARED_MAP(board, atoi(at), PROT_READ | PROT_WRITE) < 0)
        _exit(97);
    return board;
}

const struct board *played_board(void)
{
    return the_board();
}

struct board_row *played_row(void)
{
    const char *number = strchr(played_heading, ' ') + 1;
    struct board_row *row = board_find(the_board(), strtoull(number, NULL, 10));

    if (!row)
        _exit(97);
    return row;
}

void played_count(void)
{
    struct board_row *row = played_row();

    board_set(&row->master, row->master + 1);
    board_set(&row->gate, row->gate + 1);
}

void played_count_on(void)
{
    int r;

    played_heed_term();
    while ((r = channel_wait(&played_channel, &heard, 5)) == 1 ||
           r == -ETIMEDOUT) {
        if (r == 1)
            message_close(&heard);
        played_count();
    }
    _exit(0);
}

void played_come_up(void)
{
    played_enter(GENERATION_VERSION);
    if (SEND(&played_channel, up, 0) < 0)
        _exit(99);
    if (!played_is("1"))
        return;
    EXPECT(&played_channel, lead);
    SEND(&played_channel, leading, 0);
}

void played_lead(void)
{
    SEND(&played_channel, up, 0);
    while (cast_hear(&played_channel) != MSG_lead)
        if (heard.kind == MSG_NONE)
            _exit(98);
    SEND(&played_channel, leading, 0);
}

void played_stay(void)
{
    while (pause() < 0)
        ;
    _exit(99);
}

static void on_term(int number)
{
    (void)number;
    _exit(7);
}

void played_heed_term(void)
{
    signal(SIGTERM, on_term);
}

void played_stop_all(void)
{
    played_heed_term();
    kill(getppid(), SIGTERM);
    played_stay();
}

void played_give_up(int status)
{
    kill(getppid(), SIGTERM);
    _exit(status);
}

struct supervisor_deadlines played_deadlines = { .start = 20000,
                                                 .take = 2000,
                                                 .stop = 2000,
                                                 .gone = 10000,
                                                 .group = 200,
                                                 .recovery = 60000,
                                                 .retry = 100,
                                                 .put_off = 1000,
                                                 .look = 60000,
                                                 .silence = 60000 };

static void play(const struct supervisor *s, int program)
{
    cast_in_fork();
    played_arguments = s->argv;
    played_program = program;
    played_as();
}

static int supervise(played_master *execute)
{
    static struct supervisor s;
    char *argv[] = { "sallyportd", "--foreground", NULL };
    int status;

    if (supervisor_init(&s, "/nowhere", argv) < 0)
        return 97;
    played_as = execute;
    s.execute = play;
    s.deadlines = played_deadlines;
    status = supervisor_run(&s);
    supervisor_release(&s);
    return waitpid(-1, NULL, 0) < 0 ? status : 96; /* all are reaped */
}

int played_status(played_master *execute)
{
    pid_t pid = fork();
    int status;

    cr_assert(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        _exit(supervise(execute));
    }
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void played_begin(struct played *p, played_master *execute)
{
    int output[2], errors[2];

    cr_assert(pipe2(output, O_CLOEXEC) == 0 && pipe2(errors, O_CLOEXEC) == 0);
    p->supervisor = fork();
    cr_assert(p->supervisor >= 0);
    if (p->supervisor == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(output[1], STDOUT_FILENO);
        dup2(errors[1], STDERR_FILENO);
        fd_close_others(STDERR_FILENO + 1, NULL, 0);
        _exit(supervise(execute));
    }
    close(output[1]);
    close(errors[1]);
    p->output = output[0];
    p->errors = errors[0];
}

char played_byte(int fd)
{
    struct pollfd one = { .fd = fd, .events = POLLIN };
    char byte;

    cr_assert_eq(poll(&one, 1, BYTE_MS), 1, "nobody writes");
    return read(fd, &byte, 1) == 1 ? byte : '\0';
}

void played_end(struct played *p)
{
    int status;

    cr_assert_eq(kill(p->supervisor, SIGTERM), 0);
    while (played_byte(p->output))
        ;
    cr_assert_eq(waitpid(p->supervisor, &status, 0), p->supervisor);
    cr_expect(WIFEXITED(status));
    close(p->output);
    close(p->errors);
}
