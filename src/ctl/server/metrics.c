/* "metrics": the counters and gauges of the running server, as Prometheus reads
 * them. */
#include "rows.h"

#include "sallyport/event/metrics.h"

#define TEXT_MAX (256u << 10)

void metrics_show(void)
{
    struct context *x = &ctl;
    struct server s;
    struct message m;
    struct metrics all;
    struct buf text;

    need(x, server_open(&s, x));
    need(x, server_ask(&s, SHOW_METRICS, 0, &m));
    if (m.kind != MSG_metrics_are || m.metrics_are.metrics.len != sizeof(all))
        need(x, server_lies(x, "no metrics"));
    memcpy(&all, m.metrics_are.metrics.ptr, sizeof(all));
    buf_init(&text, TEXT_MAX);
    if (metrics_text(&all, &text) < 0)
        fail_no_memory();
    fwrite(text.data, 1, text.len, stdout);
    server_close(&s);
    buf_release(&text);
}
