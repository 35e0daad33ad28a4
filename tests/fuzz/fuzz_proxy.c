/* Reads a PROXY header. The reader must take no byte after the header, and its
 * result must be the same however the bytes are cut. A header of version 1 with
 * IPv4 addresses must be the same if it is written again. */
#include "fuzz.h"

#include <string.h>

#include "sallyport/ftp/proxy.h"

static size_t take_all(struct proxy_header *h, struct slice bytes, size_t piece)
{
    size_t at = 0;

    *h = (struct proxy_header){ 0 };
    while (at < bytes.len && h->state == PROXY_MORE) {
        size_t left = bytes.len - at, len = left < piece ? left : piece, took;

        proxy_take(h, (struct slice){ bytes.ptr + at, len }, &took);
        FUZZ_CHECK(took <= len);
        FUZZ_CHECK(h->state != PROXY_MORE || took == len);
        at += took;
    }
    return at;
}

static void check_end(const struct proxy_header *h, size_t took)
{
    FUZZ_CHECK(took <= PROXY_MAX);
    if (h->state == PROXY_BAD)
        FUZZ_CHECK(h->wrong && h->wrong[0]);
    if (h->state != PROXY_DONE)
        return;
    FUZZ_CHECK(h->client.family == h->server.family);
    FUZZ_CHECK(h->client.family == 0 || !address_is_any(&h->client));
    FUZZ_CHECK(h->client.family == 0 || !address_is_any(&h->server));
}

static void check_line(const struct proxy_header *h, struct slice line)
{
    char client[ADDRESS_TEXT_MAX], server[ADDRESS_TEXT_MAX], out[256];

    if (h->state != PROXY_DONE || h->client.family != 4 ||
        !slice_starts(line, SLICE("PROXY TCP4 ")))
        return;
    snprintf(out, sizeof(out), "PROXY TCP4 %s %s %u %u\r\n",
             address_text(&h->client, client), address_text(&h->server, server),
             h->client.port, h->server.port);
    FUZZ_CHECK(slice_equal(slice_from(out), line));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice bytes = fuzz_slice(data, size);
    struct proxy_header whole, cut;
    size_t took = take_all(&whole, bytes, SIZE_MAX);

    check_end(&whole, took);
    check_line(&whole, (struct slice){ bytes.ptr, took });
    FUZZ_CHECK(take_all(&cut, bytes, 1) == took);
    FUZZ_CHECK(cut.state == whole.state);
    FUZZ_CHECK(address_same_host(&cut.client, &whole.client));
    return 0;
}
