package ofd

// Attributes of a file (APPNOTE 4.4.15): what stat(2) gives in the upper half where
// the entry was made on such a system, and MS-DOS's in the lower.
const (
	hostUnix, hostDarwin      = 3, 19
	modeType, modeDir, modeIs = 0xf000, 0x4000, 0x8000
	dosFolder                 = 0x10
)

// regular: no stamp covers the attributes, and who unpacks by them must find the same
// files.
func (e *Entry) regular(host byte, attributes uint32) bool {
	if host == hostUnix || host == hostDarwin {
		switch attributes >> 16 & modeType {
		case 0:
		case modeDir:
			return e.IsDir()
		case modeIs:
			return !e.IsDir()
		default:
			return false
		}
	}
	return attributes&dosFolder == 0 || e.IsDir()
}
