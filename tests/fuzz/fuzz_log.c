/* A line of a log file that somebody else has written, for sallyportctl. What
 * it prints is printable; and a record that was written as JSON is read as the
 * same record again. */
#include "fuzz.h"

#include "ctl/log/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool message;
    json_t *one = log_read(fuzz_slice(data, size), &message), *again;
    char *text = NULL;

    if (one) {
        log_explain(one);
        text = json_dumps(one, JSON_COMPACT);
        FUZZ_CHECK(text && !fuzz_has_control(text));
        again = log_read(slice_from(text), &message);
        FUZZ_CHECK(again);
        log_explain(again);
        FUZZ_CHECK(json_equal(one, again));
        json_decref(again);
    }
    json_decref(one);
    free(text);
    return 0;
}
