/* The process metrics: answers GET /metrics on a listener that it was given,
 * from memory that it can only read. It runs only if `metrics_listen` is
 * set. */
#include "metrics.h"

int main(int argc, char **argv)
{
    static struct scraped scraped;

    return frame_main(&metrics_row, &scraped.frame, argc, argv);
}
