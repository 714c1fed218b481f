package lint

var serialPositive = &Rule{
	ID: "rfc5280_serial_positive", Source: "RFC 5280 4.1.2.2",
	Says: "the serial number is more than zero",
	broken: func(v *view) string {
		if len(v.serial) == 0 || v.serial[0]&0x80 != 0 || len(v.serial) == 1 && v.serial[0] == 0 {
			return "it is zero or negative"
		}
		return ""
	},
}
