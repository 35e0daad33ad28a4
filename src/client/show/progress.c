/* Shows progress: one line on a terminal, lines elsewhere, or JSON. One lock
 * protects everything. The line is drawn at most ten times a second, so a
 * thousand small files cost nothing. */
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

/* Progress. */

#define DRAW_MS 100

static struct {
    pthread_mutex_t lock;
    enum progress_style style;
    bool drawn; /* the line is on the screen */
    uint64_t drawn_at;
    bool held; /* a question is on the terminal */
    struct {
        size_t files, ended; /* files: 0 if there is no total */
        uint64_t bytes, done, moved, began;
        bool more; /* files may still be found */
    } all;         /* bytes: of all files; moved: without resumed ones */
} progress = { .lock = PTHREAD_MUTEX_INITIALIZER };

void progress_start(enum progress_style style, bool aside)
{
    progress.style = style;
    event_aside = aside;
}

static void progress_clear(void)
{
    if (progress.drawn)
        fputs("\r\033[K", stderr);
    progress.drawn = false;
}

/* Draws "12 of 60 files so far, 1.2 GiB of 4.0 GiB, 30 MiB/s, 1:35 left", never
 * wider than the screen. */
static void progress_draw(bool at_once)
{
    char line[128], done[SHOW_SIZE_MAX], total[SHOW_SIZE_MAX];
    char rate[SHOW_SIZE_MAX], left[SHOW_TIME_MAX] = "";
    const uint64_t now = clock_ms(), ms = now - progress.all.began + 1;
    const uint64_t speed = progress.all.moved * 1000 / ms;
    const bool known = progress.all.bytes > progress.all.done;
    struct winsize w = { 0 };

    if (progress.style != PROGRESS_TERMINAL || progress.held ||
        progress.all.ended >= progress.all.files ||
        (!at_once && now - progress.drawn_at < DRAW_MS))
        return;
    if (known && speed > 0)
        show_time((progress.all.bytes - progress.all.done) / speed, left);
    snprintf(line, sizeof(line), "%zu of %zu files%s, %s%s%s, %s/s%s%s%s",
             progress.all.ended, progress.all.files,
             progress.all.more ? " so far" : "",
             show_size(progress.all.done, done), known ? " of " : "",
             known ? show_size(progress.all.bytes, total) : "",
             show_size(speed, rate), left[0] ? ", " : "", left,
             left[0] ? " left" : "");
    ioctl(STDERR_FILENO, TIOCGWINSZ, &w);
    fprintf(stderr, "\r%.*s\033[K", w.ws_col > 1 ? w.ws_col - 1 : 79, line);
    progress.drawn = true;
    progress.drawn_at = now;
}

void progress_hold(bool held)
{
    pthread_mutex_lock(&progress.lock);
    progress_clear();
    progress.held = held;
    pthread_mutex_unlock(&progress.lock);
}

void progress_begin(struct progress_row *r, const char *verb, const char *name,
                    uint64_t total)
{
    *r = (struct progress_row){
        .verb = verb, .name = name, .total = total, .began = clock_ms()
    };
}

/* Counts DONE bytes of the file, which may be fewer than before. */
static void progress_count(struct progress_row *r, uint64_t done)
{
    progress.all.done += done - r->done;
    r->done = done;
}

void progress_resume(struct progress_row *r, uint64_t first)
{
    pthread_mutex_lock(&progress.lock);
    progress_count(r, first);
    r->first = r->last_done = first;
    r->began = clock_ms();
    pthread_mutex_unlock(&progress.lock);
}

void progress_moved(struct progress_row *r, uint64_t done)
{
    pthread_mutex_lock(&progress.lock);
    progress.all.moved += done > r->done ? done - r->done : 0;
    progress_count(r, done);
    if (progress.style == PROGRESS_JSON && done > r->last_done &&
        clock_ms() - progress.drawn_at >= 1000) {
        r->last_done = done;
        progress.drawn_at = clock_ms();
        event_print(json_pack("{s:s, s:s, s:o, s:I, s:I}", "event", "progress",
                              "command", r->verb, "name", event_text(r->name),
                              "bytes", (json_int_t)r->done, "total",
                              (json_int_t)r->total));
    }
    progress_draw(false);
    pthread_mutex_unlock(&progress.lock);
}

void progress_end(struct progress_row *r, const char *as, bool checked,
                  const struct failure *why)
{
    char name[SHOW_MAX];

    pthread_mutex_lock(&progress.lock);
    progress_clear();
    show_text(r->name, name, sizeof(name));
    if (progress.style == PROGRESS_JSON) {
        json_t *o = json_pack(
            "{s:s, s:s, s:o, s:I, s:I, s:o, s:b}", "event",
            why ? "failed" : "done", "command", r->verb, "name",
            event_text(r->name), "bytes", (json_int_t)r->done, "resumed_at",
            (json_int_t)r->first, "as", event_text(as), "verified", checked);

        if (why)
            event_add_failure(o, why);
        event_print(o);
    } else if (why) {
        fprintf(stderr, "sallyport: %s %s: %s\n", r->verb, name, why->text);
    } else if (progress.style != PROGRESS_QUIET) {
        char size[SHOW_SIZE_MAX], safe[SHOW_MAX], first[SHOW_SIZE_MAX] = "";
        uint64_t ms = clock_ms() - r->began;
        char rate[SHOW_SIZE_MAX];
        uint64_t moved = r->done > r->first ? r->done - r->first : 0;
        bool renamed = strcmp(show_text(as, safe, sizeof(safe)), name) != 0;

        if (r->first)
            show_size(r->first, first);
        fprintf(stderr, "%s %s%s%s  %s, %s/s%s%s%s\n", r->verb, name,
                renamed ? " as " : "", renamed ? safe : "",
                show_size(r->done, size),
                show_size(moved * 1000 / (ms ? ms : 1), rate),
                r->first ? ", resumed at " : "", first,
                checked ? ", checksum right" : "");
    }
    progress.all.ended++;
    progress_count(r, r->done > r->total ? r->done : r->total);
    progress_draw(false);
    pthread_mutex_unlock(&progress.lock);
}

void progress_expect(size_t files, uint64_t bytes, bool more)
{
    pthread_mutex_lock(&progress.lock);
    if (files == 0) {
        progress_clear();
        memset(&progress.all, 0, sizeof(progress.all));
    } else if (progress.all.files == 0) {
        progress.all.began = clock_ms();
    }
    progress.all.files = files;
    progress.all.bytes = bytes;
    progress.all.more = more;
    pthread_mutex_unlock(&progress.lock);
}

void progress_settle(uint64_t size)
{
    pthread_mutex_lock(&progress.lock);
    progress_clear();
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
    if (progress.style == PROGRESS_TERMINAL || progress.style == PROGRESS_LINES)
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
