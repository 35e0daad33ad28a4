/* A line of a log file that somebody else has written, for sallyportctl. What
 * it prints is printable; and a record that was written as JSON is read as the
 * same record again. */
#include "fuzz.h"

#include "ctl/log/log.h"

static void check_printable(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        FUZZ_CHECK((uint8_t)s.ptr[i] >= 0x20 && s.ptr[i] != 0x7f &&
                   s.ptr[i] != '"');
}

static void check_same(const struct log_record *a, const struct log_record *b)
{
    struct buf left, right;

    FUZZ_CHECK(a->ms == b->ms && a->fields == b->fields);
    FUZZ_CHECK(slice_equal(a->event, b->event));
    FUZZ_CHECK(log_failed(a) == log_failed(b));
    buf_init(&left, 1 << 20);
    buf_init(&right, 1 << 20);
    for (size_t i = 0; i < a->fields; i++) {
        FUZZ_CHECK(slice_equal(a->field[i].name, b->field[i].name));
        buf_clear(&left);
        buf_clear(&right);
        log_safe(a->field[i].value, &left);
        log_safe(b->field[i].value, &right);
        check_printable(buf_slice(&left));
        FUZZ_CHECK(slice_equal(buf_slice(&left), buf_slice(&right)));
    }
    buf_release(&left);
    buf_release(&right);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct log_record r, again;

    if (log_record_read(&r, fuzz_slice(data, size)) == LOG_LINE_EVENT) {
        json_t *json = log_json(&r, (struct slice){ 0 });
        char *text = json_dumps(json, JSON_COMPACT);

        FUZZ_CHECK(text);
        FUZZ_CHECK(log_record_read(&again, slice_from(text)) == LOG_LINE_EVENT);
        check_same(&r, &again);
        log_record_release(&again);
        json_decref(json);
        free(text);
    }
    log_record_release(&r);
    return 0;
}
