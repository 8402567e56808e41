
BprobabilitiesJ(€17Õ%ú5JÕ14ÛWM:U”k7‰‰r?¢pF=bâ8î∂Î:!0ú8