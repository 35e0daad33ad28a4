/* "top": a live screen of the sessions, by ncurses. It asks the server again
 * every two seconds. Names of files and users come from clients: who.c has
 * escaped them, and a character that takes no column becomes "?". */
#include "top.h"

#include <curses.h>
#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>
#include <wchar.h>

#include "sallyport/base/clock.h"

#define TOP_MS      2000 /* between two questions */
#define TOP_WAIT_MS 3000 /* for an answer */
#define TOP_WIDE    4096 /* characters of a text */
#define TOP_HEAD    5    /* lines above the rows */
#define LINE_BYTES  (COMPLAINT_MAX + 512)

struct top {
    struct context *x;
    struct top_view view;
    enum top_order order;
    char serial[17];        /* the selected session; "": the first */
    size_t selected, first; /* rows: it, and the first on the screen */
    char note[COMPLAINT_MAX];
    bool asks; /* whether to end the selected session */
    bool over;
    SCREEN *screen;
    sigset_t before;
};

static volatile sig_atomic_t top_signal;

static void top_on_signal(int signal)
{
    top_signal = signal;
}

/* Puts at most WIDTH columns of TEXT at this place; TAIL: the last ones. */
static void top_put(int y, int x, int width, const char *text, bool tail)
{
    wchar_t wide[TOP_WIDE];
    mbstate_t state = { 0 };
    int n = 0, from = 0, columns = 0;

    while (*text && n < TOP_WIDE) {
        size_t len = mbrtowc(&wide[n], text, MB_CUR_MAX, &state);
        bool bad = len == (size_t)-1 || len == (size_t)-2;

        if (bad)
            state = (mbstate_t){ 0 };
        if (bad || wcwidth(wide[n]) < 1)
            wide[n] = L'?';
        text += bad ? 1 : len;
        columns += wcwidth(wide[n++]);
    }
    while (tail && columns > width)
        columns -= wcwidth(wide[from++]);
    while (columns > width)
        columns -= wcwidth(wide[--n]);
    if (n > from)
        mvaddnwstr(y, x, wide + from, n - from);
}

static void top_line(int y, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void top_line(int y, const char *format, ...)
{
    char text[LINE_BYTES];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    top_put(y, 0, COLS, text, false);
}

static void top_draw_head(const struct top *t)
{
    const json_t *s = t->view.status;
    const json_t *g = json_object_get(s, "guessing");
    char up[SIZE_TEXT_MAX], down[SIZE_TEXT_MAX];

    if (!s)
        return;
    top_line(0, "sallyport %s, %s since %s", text_of(s, "version", ""),
             text_of(s, "state", ""), text_of(s, "since", ""));
    top_line(1,
             "sessions: %" PRIu64 " of %" PRIu64 ", %" PRIu64
             " logged in; transfers: %" PRIu64 "; in %s/s, out %s/s",
             number_of(s, "sessions"), number_of(s, "max_sessions"),
             number_of(s, "logged_in"), t->view.transfers,
             size_text(t->view.up, up), size_text(t->view.down, down));
    top_line(2, "bans: %" PRIu64 "; wrong passwords in the last hour: %" PRIu64,
             number_of(s, "bans"), number_of(g, "wrong"));
}

/* A column: its place ends where the next one begins. */
enum {
    AT_USER,
    AT_CLIENT,
    AT_COMMAND,
    AT_BYTES,
    AT_OF,
    AT_RATE,
    AT_AGE,
    AT_FILE,
    AT_COUNT
};
static const struct {
    const char *title;
    int x, width;
} top_columns[AT_COUNT] = {
    [AT_USER] = { "USER", 0, 10 },   [AT_CLIENT] = { "ADDRESS", 11, 15 },
    [AT_COMMAND] = { "CMD", 27, 4 }, [AT_BYTES] = { "BYTES", 32, 9 },
    [AT_OF] = { "OF", 42, 9 },       [AT_RATE] = { "RATE", 52, 11 },
    [AT_AGE] = { "AGE", 64, 6 },     [AT_FILE] = { "FILE", 71, 0 },
};

static void top_cell(int y, int column, const char *text)
{
    int x = top_columns[column].x, width = top_columns[column].width;

    if (width == 0 || x + width > COLS)
        width = COLS - x;
    if (width > 0)
        top_put(y, x, width, text, column == AT_FILE);
}

static void top_draw_transfer(int y, const json_t *row)
{
    char text[SIZE_TEXT_MAX], rate[SIZE_TEXT_MAX + 2];

    if (number_of(row, "ms") == 0)
        return;
    top_cell(y, AT_BYTES, size_text(number_of(row, "bytes"), text));
    if (number_of(row, "of") > 0)
        top_cell(y, AT_OF, size_text(number_of(row, "of"), text));
    snprintf(rate, sizeof(rate), "%s/s",
             size_text(number_of(row, "rate"), text));
    top_cell(y, AT_RATE, rate);
}

static void top_draw_row(int y, const json_t *row)
{
    const char *user = text_of(row, "user", "");
    const char *command = text_of(row, "command", "");
    bool busy = json_is_true(json_object_get(row, "busy"));
    char age[WHEN_MAX];

    top_cell(y, AT_USER, user[0] ? user : "-");
    top_cell(y, AT_CLIENT, text_of(row, "client", ""));
    top_cell(y, AT_COMMAND, busy ? "busy" : command[0] ? command : "idle");
    top_draw_transfer(y, row);
    top_cell(y, AT_AGE, when_ago(0, (int64_t)number_of(row, "age"), age));
    top_cell(y, AT_FILE, text_of(row, "path", ""));
}

static void top_draw_rows(struct top *t, size_t room)
{
    size_t n = json_array_size(t->view.rows);

    if (t->selected < t->first)
        t->first = t->selected;
    if (t->selected >= t->first + room)
        t->first = t->selected - room + 1;
    for (size_t i = t->first; i < n && i < t->first + room; i++) {
        int y = TOP_HEAD + (int)(i - t->first);

        top_draw_row(y, json_array_get(t->view.rows, i));
        if (i == t->selected)
            mvchgat(y, 0, -1, A_REVERSE, 0, NULL);
    }
}

static void top_draw(struct top *t)
{
    static const char *const orders[TOP_ORDERS] = { "rate", "user", "address",
                                                    "file", "age" };

    erase();
    top_draw_head(t);
    top_line(3, "%s", t->note);
    for (int i = 0; i < AT_COUNT; i++)
        top_cell(4, i, top_columns[i].title);
    mvchgat(4, 0, -1, A_BOLD, 0, NULL);
    if (LINES > TOP_HEAD + 1)
        top_draw_rows(t, (size_t)(LINES - TOP_HEAD - 1));
    if (LINES > TOP_HEAD)
        top_line(LINES - 1,
                 "q quit   s sort (now by %s)   arrows select   k end the "
                 "session",
                 orders[t->order]);
    refresh();
}

static const json_t *top_row(const struct top *t)
{
    return json_array_get(t->view.rows, t->selected);
}

/* The selection stays at its session, or else at its line. */
static void top_arrange(struct top *t)
{
    size_t n = json_array_size(t->view.rows);

    top_view_sort(&t->view, t->order);
    for (size_t i = 0; i < n; i++)
        if (!strcmp(text_of(json_array_get(t->view.rows, i), "serial", ""),
                    t->serial))
            t->selected = i;
    if (t->selected >= n)
        t->selected = n > 0 ? n - 1 : 0;
}

static void top_select(struct top *t, size_t i)
{
    t->selected = i;
    snprintf(t->serial, sizeof(t->serial), "%s",
             text_of(top_row(t), "serial", ""));
}

static void top_note(struct top *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void top_note(struct top *t, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(t->note, sizeof(t->note), format, args);
    va_end(args);
}

/* Returns an exit code; the note has the complaint. */
static int top_complain(struct top *t, int code)
{
    if (code)
        top_note(t, "%s", t->x->complaint.text);
    t->x->complaint.text[0] = '\0';
    return code;
}

static void top_ask_again(struct top *t)
{
    if (top_complain(t, top_view_read(t->x, &t->view)) != 0)
        t->asks = false;
    else if (!t->asks)
        t->note[0] = '\0';
    top_arrange(t);
}

static void top_kick(struct top *t)
{
    uint64_t serial = strtoull(t->serial, NULL, 16), ended = 0;

    if (top_complain(t, sessions_end(t->x, serial, &ended)) == 0)
        top_note(t, "%s",
                 ended ? "the session was ended" : "the session had ended");
}

static void top_answer(struct top *t, int key)
{
    t->asks = false;
    t->note[0] = '\0';
    if (key == 'y')
        top_kick(t);
}

static void top_ask_kick(struct top *t)
{
    if (!top_row(t))
        return;
    top_select(t, t->selected);
    t->asks = true;
    top_note(t, "End the session of %s, %s? [y/N]",
             text_of(top_row(t), "user", ""),
             text_of(top_row(t), "client", ""));
}

static void top_on_key(struct top *t, int key)
{
    size_t n = json_array_size(t->view.rows);

    if (key == KEY_RESIZE)
        return;
    if (t->asks) {
        top_answer(t, key);
        return;
    }
    if (key == 'q')
        t->over = true;
    if (key == 's') {
        t->order = (t->order + 1) % TOP_ORDERS;
        top_arrange(t);
    }
    if (key == KEY_UP && t->selected > 0)
        top_select(t, t->selected - 1);
    if (key == KEY_DOWN && t->selected + 1 < n)
        top_select(t, t->selected + 1);
    if (key == 'k')
        top_ask_kick(t);
}

/* Waits for a key, a signal or the time END. */
static void top_wait(struct top *t, uint64_t end)
{
    struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
    uint64_t now = clock_ms();
    const uint64_t ms = now < end ? end - now : 0;
    const struct timespec most = { .tv_sec = (time_t)(ms / 1000),
                                   .tv_nsec = (long)(ms % 1000) * 1000000 };
    int r = ppoll(&in, 1, &most, &t->before), key;

    /* The terminal has gone. ppoll() then takes no signal, and POLLIN is set.
     */
    if (r > 0 && in.revents & ~POLLIN)
        t->over = true;
    while (!t->over && !top_signal && (key = getch()) != ERR)
        top_on_key(t, key);
}

/* The signals arrive only in ppoll(). SIGWINCH is that of ncurses. */
static void top_take_signals(struct top *t)
{
    static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
    const struct sigaction action = { .sa_handler = top_on_signal };
    sigset_t held;

    sigemptyset(&held);
    sigaddset(&held, SIGWINCH);
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        sigaction(signals[i], &action, NULL);
        sigaddset(&held, signals[i]);
    }
    sigprocmask(SIG_BLOCK, &held, &t->before);
}

/* A terminal such as "dumb" can't place the cursor. */
static bool top_begin_screen(struct top *t)
{
    t->screen = newterm(NULL, stdout, stdin);
    if (t->screen && !tigetstr("cup")) {
        endwin();
        delscreen(t->screen);
        t->screen = NULL;
    }
    return t->screen != NULL;
}

static int top_open(struct top *t)
{
    const char *name = getenv("TERM");

    setlocale(LC_CTYPE, "");
    if (!top_begin_screen(t))
        return ctl_fail(
            t->x, EX_UNAVAILABLE,
            "the terminal TERM=%.64s is unknown or too simple; set another one "
            "(TERM=xterm sallyportctl top), or run: sallyportctl "
            "who",
            name ? name : "");
    top_take_signals(t);
    cbreak();
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    set_escdelay(25);
    curs_set(0);
    return 0;
}

static void top_run(struct top *t)
{
    uint64_t end = clock_ms() + TOP_MS;

    top_arrange(t);
    while (!t->over && !top_signal) {
        if (clock_ms() >= end) {
            top_ask_again(t);
            end = clock_ms() + TOP_MS;
        }
        top_draw(t);
        top_wait(t, end);
    }
}

/* A server that can't be asked at first is an ordinary error. One that goes
 * away later may come back. */
int top_show(struct context *x)
{
    struct top t = { .x = x };
    int code;

    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return ctl_fail(x, EX_USAGE,
                        "top needs a terminal; programs use: sallyportctl who "
                        "--json");
    x->patience = TOP_WAIT_MS;
    code = top_view_read(x, &t.view);
    if (code == 0)
        code = top_open(&t);
    if (code == 0) {
        top_run(&t);
        endwin();
        delscreen(t.screen);
        sigprocmask(SIG_SETMASK, &t.before, NULL);
    }
    top_view_release(&t.view);
    return code == 0 && top_signal ? 128 + top_signal : code;
}
