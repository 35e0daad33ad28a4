/* "metrics": the counters and gauges of the running server, as Prometheus reads
 * them. */
#include "rows.h"

#include "sallyport/event/metrics.h"

#define TEXT_MAX (256u << 10)

int metrics_show(struct context *x)
{
    struct server s;
    struct message m;
    struct metrics all;
    struct buf text;
    int code = server_open(&s, x);

    buf_init(&text, TEXT_MAX);
    if (code == 0)
        code = server_ask(&s, SHOW_METRICS, 0, &m);
    if (code == 0 &&
        (m.kind != MSG_metrics_are || m.metrics_are.metrics.len != sizeof(all)))
        code = server_lies(x, "no metrics");
    if (code == 0) {
        memcpy(&all, m.metrics_are.metrics.ptr, sizeof(all));
        if (metrics_text(&all, &text) < 0)
            code = ctl_no_memory(x);
        else
            fwrite(text.data, 1, text.len, stdout);
    }
    server_close(&s);
    buf_release(&text);
    return code;
}
