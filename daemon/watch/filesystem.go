package watch

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// An Identity tells what lies at the path of a root from what lay there before:
// another disk, or the bare folder that a disk is mounted on.
type Identity struct {
	Device, Inode uint64 // of the root folder
	Number        uint64 // of the filesystem, as statfs has it; many kinds keep it from one mount to the next
	Filesystem    string // its kind, such as "ext4", "nfs4" or "fuse.sshfs"
	// Remote says that changes can be made where this kernel does not see them.
	Remote bool
}

// String is short, one line, and the same for the same identity.
func (i Identity) String() string {
	return fmt.Sprintf("%x:%x:%x:%s", i.Device, i.Inode, i.Number, i.Filesystem)
}

// Identity asks what lies at the path now. The error is fs.ErrNotExist where
// nothing is there.
func (r *Root) Identity(ctx context.Context) (identity Identity, err error) {
	var found Identity
	err = r.call(ctx, func() (err error) {
		found, err = identify(r.path)
		return err
	})
	if err == nil {
		identity = found
	}
	return identity, err
}

// Resolve gives the path of the root without symbolic links.
func (r *Root) Resolve(ctx context.Context) (path string, err error) {
	var found string
	err = r.call(ctx, func() (err error) {
		found, err = filepath.EvalSymlinks(r.path)
		return err
	})
	if err != nil {
		return "", err
	}
	return found, nil
}

func identify(root string) (Identity, error) {
	fd, err := openRoot(root)
	if err != nil {
		return Identity{}, err
	}
	defer unix.Close(fd)
	info, _, err := statAt(fd, ".")
	if err != nil {
		return Identity{}, fmt.Errorf("folder %s: %w", root, err)
	}
	var stat unix.Statfs_t
	if _, err := retry(func() (int, error) { return 0, unix.Fstatfs(fd, &stat) }); err != nil {
		return Identity{}, fmt.Errorf("folder %s: %w", root, err)
	}
	identity := Identity{Device: info.Device, Inode: info.Inode}
	identity.Number = uint64(uint32(stat.Fsid.Val[0])) | uint64(uint32(stat.Fsid.Val[1]))<<32
	// The file is the system's own: it never hangs. Without it there are fewer names.
	mounts, _ := os.ReadFile("/proc/self/mountinfo")
	identity.Filesystem, identity.Remote = kindOf(uint32(stat.Type), mountedAs(mounts, info.Device))
	return identity, nil
}

type kind struct {
	name   string
	remote bool
}

// kinds are filesystems by the magic number that statfs gives.
var kinds = map[uint32]kind{
	unix.NFS_SUPER_MAGIC:       {"nfs", true},
	unix.SMB_SUPER_MAGIC:       {"smb", true},
	unix.SMB2_SUPER_MAGIC:      {"smb", true},
	unix.CIFS_SUPER_MAGIC:      {"cifs", true},
	unix.FUSE_SUPER_MAGIC:      {"fuse", true},
	unix.V9FS_MAGIC:            {"9p", true},
	unix.AFS_SUPER_MAGIC:       {"afs", true},
	unix.AFS_FS_MAGIC:          {"afs", true},
	unix.CEPH_SUPER_MAGIC:      {"ceph", true},
	unix.CODA_SUPER_MAGIC:      {"coda", true},
	unix.NCP_SUPER_MAGIC:       {"ncp", true},
	unix.OCFS2_SUPER_MAGIC:     {"ocfs2", true},
	unix.EXT4_SUPER_MAGIC:      {"ext4", false},
	unix.XFS_SUPER_MAGIC:       {"xfs", false},
	unix.BTRFS_SUPER_MAGIC:     {"btrfs", false},
	unix.F2FS_SUPER_MAGIC:      {"f2fs", false},
	unix.TMPFS_MAGIC:           {"tmpfs", false},
	unix.OVERLAYFS_SUPER_MAGIC: {"overlay", false},
	unix.MSDOS_SUPER_MAGIC:     {"vfat", false},
	unix.EXFAT_SUPER_MAGIC:     {"exfat", false},
	unix.ECRYPTFS_SUPER_MAGIC:  {"ecryptfs", false},
	unix.ISOFS_SUPER_MAGIC:     {"iso9660", false},
	unix.SQUASHFS_MAGIC:        {"squashfs", false},
	0x01161970:                 {"gfs2", true},
	0x0bd00bd0:                 {"lustre", true},
	0x47504653:                 {"gpfs", true},
	0x19830326:                 {"fhgfs", true},
	0x786f4256:                 {"vboxsf", true},
	0xbacbacbc:                 {"vmhgfs", true},
	0x2fc12fc1:                 {"zfs", false},
	0x7366746e:                 {"ntfs3", false},
}

// kindOf names a filesystem; mounted is the kind that the list of mounts gives,
// or empty. A filesystem in user space on a block device of this machine
// (fuseblk: NTFS, exFAT) is changed by nobody else.
func kindOf(magic uint32, mounted string) (name string, remote bool) {
	known, ok := kinds[magic]
	switch {
	case mounted == "fuseblk":
		return mounted, false
	case mounted != "":
		return mounted, known.remote
	case ok:
		return known.name, known.remote
	}
	return fmt.Sprintf("%#x", magic), false
}

// mountedAs finds the kind of a device's filesystem in /proc/self/mountinfo.
func mountedAs(mountinfo []byte, device uint64) string {
	number := fmt.Sprintf("%d:%d", unix.Major(device), unix.Minor(device))
	for line := range bytes.Lines(mountinfo) {
		mount, source, found := strings.Cut(string(line), " - ")
		fields, about := strings.Fields(mount), strings.Fields(source)
		if found && len(fields) > 2 && fields[2] == number && len(about) > 0 {
			return about[0]
		}
	}
	return ""
}
