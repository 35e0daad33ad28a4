/* Memory that outlives gates: master makes it, each gate maps it. */
#ifndef SALLYPORT_IPC_MEMORY_H
#define SALLYPORT_IPC_MEMORY_H

/* Bytes of the file of MSG_memory, which is sealed against any other size. A
 * new one is empty. */
#define GATE_MEMORY (1U << 20)

#endif
