/* Prints JSON lines with jansson. */
#include "event.h"

#include <stdio.h>

#include "show.h"
#include "url.h"

static bool event_is_aside;

void event_aside(bool aside)
{
    event_is_aside = aside;
}

json_t *event_text(const char *text)
{
    char safe[4 * URL_PATH_MAX + 1];
    json_t *s = json_string(text);

    return s ? s : json_string(show_text(text, safe, sizeof(safe)));
}

/* Prints ASCII only: a terminal also obeys some characters outside it. */
void event_print(json_t *object)
{
    FILE *out = event_is_aside ? stderr : stdout;

    if (object &&
        json_dumpf(object, out, JSON_COMPACT | JSON_ENSURE_ASCII) == 0)
        fputc('\n', out);
    fflush(out);
    json_decref(object);
}

void event_progress(const char *verb, const char *name, uint64_t done,
                    uint64_t total)
{
    event_print(json_pack("{s:s, s:s, s:o, s:I, s:I}", "event", "progress",
                          "command", verb, "name", event_text(name), "bytes",
                          (json_int_t)done, "total", (json_int_t)total));
}

static void event_add_failure(json_t *object, const struct failure *why)
{
    json_object_set_new(object, "error", event_text(why->text));
    json_object_set_new(object, "code", json_integer(why->code));
    if (why->reply)
        json_object_set_new(object, "reply", json_integer(why->reply));
}

void event_end(const char *verb, const char *name, const char *as,
               uint64_t bytes, uint64_t first, bool checked,
               const struct failure *why)
{
    json_t *o =
        json_pack("{s:s, s:s, s:o, s:I, s:I}", "event", why ? "failed" : "done",
                  "command", verb, "name", event_text(name), "bytes",
                  (json_int_t)bytes, "resumed_at", (json_int_t)first);

    if (as)
        json_object_set_new(o, "as", event_text(as));
    json_object_set_new(o, "verified", json_boolean(checked));
    if (why)
        event_add_failure(o, why);
    event_print(o);
}

void event_note(const char *text)
{
    event_print(
        json_pack("{s:s, s:o}", "event", "note", "text", event_text(text)));
}

void event_error(const char *what, const struct failure *why)
{
    json_t *o =
        json_pack("{s:s, s:o}", "event", "error", "name", event_text(what));

    event_add_failure(o, why);
    event_print(o);
}
