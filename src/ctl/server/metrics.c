/* "metrics": the counters and gauges of the running server, as Prometheus reads
 * them. */
#include "rows.h"

#include "sallyport/event/metrics.h"

#define TEXT_MAX (256u << 10)

void metrics_show(void)
{
    struct message m;
    struct metrics all;
    struct buf text;

    server_open();
    server_ask(SHOW_METRICS, 0, &m);
    if (m.kind != MSG_metrics_are || m.metrics_are.metrics.len != sizeof(all))
        server_lies("no metrics");
    memcpy(&all, m.metrics_are.metrics.ptr, sizeof(all));
    buf_init(&text, TEXT_MAX);
    if (metrics_text(&all, &text) < 0)
        fail_no_memory();
    fwrite(text.data, 1, text.len, stdout);
    buf_release(&text);
}
