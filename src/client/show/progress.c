/* Shows progress: bars, lines, or JSON. One lock protects everything. The bars
 * are drawn at most ten times a second, so a thousand small files cost
 * nothing. */
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "sallyport/base/clock.h"
#include "show.h"

/* JSON lines, by jansson. */

static bool event_aside;

json_t *event_text(const char *text)
{
    char safe[4 * PATH_MAX + 1];
    json_t *s = json_string(text);

    return s ? s : json_string(show_text(text, safe, sizeof(safe)));
}

/* Prints an object in ASCII only, since a terminal obeys some other characters,
 * too. The lock keeps lines of several threads apart. */
void event_print(json_t *object)
{
    FILE *out = event_aside ? stderr : stdout;

    flockfile(out);
    if (object &&
        json_dumpf(object, out, JSON_COMPACT | JSON_ENSURE_ASCII) == 0)
        fputc('\n', out);
    fflush(out);
    funlockfile(out);
    json_decref(object);
}

static void event_add_failure(json_t *object, const struct failure *why)
{
    json_object_set_new(object, "error", event_text(why->text));
    json_object_set_new(object, "code", json_integer(why->code));
    if (why->reply)
        json_object_set_new(object, "reply", json_integer(why->reply));
}

/* Rows and bars. */

#define DRAW_MS   100
#define WIDTH_MIN 40
#define WIDTH_MAX 400

static struct {
    pthread_mutex_t lock;
    enum progress_style style;
    struct progress_row row[PROGRESS_ROWS];
    struct progress_row spare; /* used when all rows are taken; never shown */
    unsigned drawn, width; /* lines of bars on the screen, and their width */
    uint64_t drawn_at;
    bool held; /* a question is on the terminal */
    struct {
        size_t files, ended; /* files: 0 if there is no total */
        uint64_t bytes, done, moved, began;
        bool more; /* files may still be found */
    } all;         /* bytes: of all files; done, moved: of ended files */
} progress = { .lock = PTHREAD_MUTEX_INITIALIZER };

void progress_start(enum progress_style style, bool aside)
{
    progress.style = style;
    event_aside = aside;
}

static unsigned progress_width(void)
{
    struct winsize w = { 0 };

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &w) < 0 || w.ws_col == 0)
        return 80;
    if (w.ws_col < WIDTH_MIN)
        return WIDTH_MIN;
    return w.ws_col > WIDTH_MAX ? WIDTH_MAX : w.ws_col;
}

/* Erases the bars. Counts the lines again, since a bar of a wide screen takes
 * several lines if the user has made the screen narrower. */
static void progress_clear(void)
{
    if (progress.drawn == 0)
        return;
    unsigned width = progress_width();
    unsigned lines = progress.drawn * ((progress.width + width - 1) / width);

    fprintf(stderr, "\r\033[%uA\033[J", lines);
    progress.drawn = 0;
}

static unsigned progress_percent(uint64_t done, uint64_t total)
{
    return total ? (unsigned)((double)done * 100 / (double)total) : 0;
}

/* Draws "NAME  [=====>    ]  42 %  12.3 MiB/s  0:07", never wider than the
 * screen. */
static void progress_bar(const struct progress_row *r, unsigned percent,
                         unsigned width, uint64_t now)
{
    char size[SHOW_SIZE_MAX], left[SHOW_TIME_MAX] = "", bar[WIDTH_MAX];
    uint64_t ms = now > r->began ? now - r->began : 1;
    uint64_t moved = r->done > r->first ? r->done - r->first : 0;
    uint64_t rate = moved * 1000 / ms;
    unsigned room = width - 38 > 60 ? 30 : (width - 38) / 3;
    unsigned full = room * (percent > 100 ? 100 : percent) / 100;
    int names = (int)(width - 38 - room);

    if (rate > 0 && r->total > r->done)
        show_time((r->total - r->done) / rate, left);
    memset(bar, ' ', room);
    memset(bar, '=', full);
    if (full > 0 && full < room)
        bar[full - 1] = '>';
    bar[room] = '\0';
    char name[PROGRESS_NAME + 8];
    snprintf(name, sizeof(name), "%s", r->name);
    for (size_t len = strlen(name);
         len > 0 && show_columns(name) > (size_t)names;) {
        while (len > 0 && (name[--len] & 0xc0) == 0x80)
            ;
        name[len] = '\0';
    }
    int pad = names - (int)show_columns(name);
    fprintf(stderr, "%s%*s [%s] %3u %% %9s/s %8s\n", name, pad, "", bar,
            percent, show_size(rate, size), left);
}

/* Draws "3 of 20 files so far" as the last bar. */
static void progress_sum(unsigned width, uint64_t now)
{
    struct progress_row sum = { .total = progress.all.bytes,
                                .done = progress.all.done,
                                .first = progress.all.done - progress.all.moved,
                                .began = progress.all.began };

    for (size_t i = 0; i < PROGRESS_ROWS; i++)
        if (progress.row[i].used) {
            sum.done += progress.row[i].done;
            sum.first += progress.row[i].first;
        }
    snprintf(sum.name, sizeof(sum.name), "%zu of %zu files%s",
             progress.all.ended, progress.all.files,
             progress.all.more ? " so far" : "");
    progress_bar(&sum,
                 sum.total
                     ? progress_percent(sum.done, sum.total)
                     : progress_percent(progress.all.ended, progress.all.files),
                 width, now);
}

static void progress_draw(bool at_once)
{
    uint64_t now = clock_ms();

    if (progress.style != PROGRESS_BARS || progress.held ||
        (!at_once && now - progress.drawn_at < DRAW_MS))
        return;
    unsigned width = progress_width(), lines = 0;
    progress_clear();
    for (size_t i = 0; i < PROGRESS_ROWS; i++)
        if (progress.row[i].used) {
            const struct progress_row *r = &progress.row[i];

            progress_bar(r, progress_percent(r->done, r->total), width - 1,
                         now);
            lines++;
        }
    if (lines > 0 && progress.all.files > 1) {
        progress_sum(width - 1, now);
        lines++;
    }
    progress.drawn = lines;
    progress.width = width - 1;
    progress.drawn_at = now;
}

void progress_hold(bool held)
{
    pthread_mutex_lock(&progress.lock);
    progress_clear();
    progress.held = held;
    pthread_mutex_unlock(&progress.lock);
}

struct progress_row *progress_begin(const char *verb, const char *name,
                                    uint64_t total)
{
    struct progress_row *r = &progress.spare;

    pthread_mutex_lock(&progress.lock);
    for (size_t i = 0; i < PROGRESS_ROWS; i++)
        if (!progress.row[i].used) {
            r = &progress.row[i];
            break;
        }
    *r = (struct progress_row){
        .used = true,
        .verb = verb,
        .exact = name,
        .total = total,
        .began = clock_ms(),
    };
    show_text(name, r->name, sizeof(r->name));
    progress_draw(false);
    pthread_mutex_unlock(&progress.lock);
    return r;
}

void progress_resume(struct progress_row *r, uint64_t first)
{
    pthread_mutex_lock(&progress.lock);
    r->first = r->done = r->last_done = first;
    r->began = clock_ms();
    pthread_mutex_unlock(&progress.lock);
}

void progress_moved(struct progress_row *r, uint64_t done)
{
    pthread_mutex_lock(&progress.lock);
    r->done = done;
    if (progress.style == PROGRESS_JSON && done > r->last_done &&
        clock_ms() - progress.drawn_at >= 1000) {
        r->last_done = done;
        progress.drawn_at = clock_ms();
        event_print(json_pack("{s:s, s:s, s:o, s:I, s:I}", "event", "progress",
                              "command", r->verb, "name", event_text(r->exact),
                              "bytes", (json_int_t)r->done, "total",
                              (json_int_t)r->total));
    }
    progress_draw(false);
    pthread_mutex_unlock(&progress.lock);
}

void progress_end(struct progress_row *r, const char *as, bool checked,
                  const struct failure *why)
{
    pthread_mutex_lock(&progress.lock);
    progress_clear();
    if (progress.style == PROGRESS_JSON) {
        json_t *o = json_pack(
            "{s:s, s:s, s:o, s:I, s:I, s:o, s:b}", "event",
            why ? "failed" : "done", "command", r->verb, "name",
            event_text(r->exact), "bytes", (json_int_t)r->done, "resumed_at",
            (json_int_t)r->first, "as", event_text(as), "verified", checked);

        if (why)
            event_add_failure(o, why);
        event_print(o);
    } else if (why) {
        fprintf(stderr, "sallyport: %s %s: %s\n", r->verb, r->name, why->text);
    } else if (progress.style != PROGRESS_QUIET) {
        char size[SHOW_SIZE_MAX], safe[SHOW_MAX], first[SHOW_SIZE_MAX] = "";
        uint64_t ms = clock_ms() - r->began;
        char rate[SHOW_SIZE_MAX];
        uint64_t moved = r->done > r->first ? r->done - r->first : 0;
        bool renamed = strcmp(show_text(as, safe, sizeof(safe)), r->name) != 0;

        if (r->first)
            show_size(r->first, first);
        fprintf(stderr, "%s %s%s%s  %s, %s/s%s%s%s\n", r->verb, r->name,
                renamed ? " as " : "", renamed ? safe : "",
                show_size(r->done, size),
                show_size(moved * 1000 / (ms ? ms : 1), rate),
                r->first ? ", resumed at " : "", first,
                checked ? ", checksum right" : "");
    }
    r->used = false;
    progress.all.ended++;
    progress.all.done += r->done > r->total ? r->done : r->total;
    progress.all.moved += r->done - r->first;
    progress_draw(false);
    pthread_mutex_unlock(&progress.lock);
}

void progress_expect(size_t files, uint64_t bytes, bool more)
{
    pthread_mutex_lock(&progress.lock);
    if (files == 0)
        memset(&progress.all, 0, sizeof(progress.all));
    else if (progress.all.files == 0)
        progress.all.began = clock_ms();
    progress.all.files = files;
    progress.all.bytes = bytes;
    progress.all.more = more;
    pthread_mutex_unlock(&progress.lock);
}

void progress_settle(struct progress_row *r, uint64_t size)
{
    pthread_mutex_lock(&progress.lock);
    progress_clear();
    if (r)
        r->used = false;
    progress.all.ended++;
    progress.all.done += size;
    pthread_mutex_unlock(&progress.lock);
}

void progress_note(const char *format, ...)
{
    char text[SHOW_MAX], safe[SHOW_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    pthread_mutex_lock(&progress.lock);
    progress_clear();
    if (progress.style == PROGRESS_BARS || progress.style == PROGRESS_LINES)
        fprintf(stderr, "%s\n", show_text(text, safe, sizeof(safe)));
    else if (progress.style == PROGRESS_JSON)
        event_print(
            json_pack("{s:s, s:o}", "event", "note", "text", event_text(text)));
    pthread_mutex_unlock(&progress.lock);
}

void progress_error(const char *what, const struct failure *why)
{
    char safe[SHOW_MAX];

    pthread_mutex_lock(&progress.lock);
    progress_clear();
    if (progress.style == PROGRESS_JSON) {
        json_t *o =
            json_pack("{s:s, s:o}", "event", "error", "name", event_text(what));

        event_add_failure(o, why);
        event_print(o);
    } else {
        fprintf(stderr, "sallyport: %s%s%s\n",
                show_text(what, safe, sizeof(safe)), what[0] ? ": " : "",
                why->text);
    }
    pthread_mutex_unlock(&progress.lock);
}
