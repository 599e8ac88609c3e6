#include "os/watch.h"

#include <errno.h>
#include <sys/inotify.h>
#include <unistd.h>

enum { BYTES = 16 * 1024 };

static const struct {
	uint32_t mask;
	FileChange change;
} kinds[] = {
	{ IN_CREATE, FILE_MADE },
	{ IN_CLOSE_WRITE, FILE_WRITTEN },
	{ IN_MODIFY, FILE_TOUCHED },
	{ IN_DELETE, FILE_GONE },
	{ IN_MOVED_FROM, FILE_MOVED_FROM },
	{ IN_MOVED_TO, FILE_MOVED_TO },
	{ IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT, DIR_GONE },
	{ IN_Q_OVERFLOW, QUEUE_OVERFLOW },
};

bool
watch_open(int *ret_fd, Err *err)
{
	*ret_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	return *ret_fd >= 0 || err_sys(err, errno, "watch files (fs.inotify.max_user_instances)");
}

bool
watch_add(int fd, const char *directory, int *ret_number, Err *err)
{
	uint32_t mask = IN_CREATE | IN_CLOSE_WRITE | IN_MODIFY | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO |
			IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_EXCL_UNLINK;

	*ret_number = inotify_add_watch(fd, directory, mask);
	if (*ret_number >= 0)
		return true;
	if (errno == ENOSPC)
		return err_set(err, ERR_SYS,
		    "watch '%s': no more directories can be watched: raise fs.inotify.max_user_watches", directory);
	return err_sys(err, errno, "watch '%s'", directory);
}

void
watch_remove(int fd, int number)
{
	(void)inotify_rm_watch(fd, number);
}

static Watched
read_one(Arena *a, const struct inotify_event *e)
{
	Watched w = { .directory = e->wd, .is_dir = (e->mask & IN_ISDIR) != 0, .cookie = e->cookie };

	for (size_t i = 0; i < countof(kinds); i++)
		if ((e->mask & kinds[i].mask) != 0)
			w.change |= kinds[i].change;
	w.name = e->len == 0 ? str_of("") : str_copy(a, str_of(e->name));
	return w;
}

size_t
watch_read(int fd, Arena *a, Watched *ret, size_t most)
{
	_Alignas(struct inotify_event) char bytes[BYTES];
	size_t room = most * sizeof(struct inotify_event), n = 0; /* no more than fit, whatever their names */
	ssize_t got;

	got = read(fd, bytes, room < sizeof(bytes) && room >= 512 ? room : sizeof(bytes));
	for (ssize_t at = 0; at < got && n < most;) {
		const struct inotify_event *e = (const struct inotify_event *)(const void *)(bytes + at);

		ret[n++] = read_one(a, e);
		at += (ssize_t)(sizeof(*e) + e->len);
	}
	return n;
}
