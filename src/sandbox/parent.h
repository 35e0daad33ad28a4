/* Ends a process that outlives its parent. */
#ifndef SANDBOX_PARENT_H
#define SANDBOX_PARENT_H

/* From now on the parent's death wakes this process, stopped or not, and ends
 * it some seconds later, unless the leader of its process group becomes its
 * parent. Call it after the last change of ids, which would cancel it. Returns
 * 0 or -errno. */
int parent_follow(void);

#endif
