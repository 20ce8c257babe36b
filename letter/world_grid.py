"""A small map of the world: one tile per country, at about its place, all of the same size.

Countries of a few square kilometres sign letters too, and on a true map nobody would see them.
"""

from typing import Final

# Each code is in the column and row of its tile; the map reads as it is drawn here.
_DRAWN: Final = """\
                     GL                   SJ
                              IS    FO    NO SE AX FI
      CA          PM          IE IM GB    DK       EE          RU
      US                         GG JE NL DE PL LT LV
                  BM                BE LU CZ SK BY             KZ
   MX       BS TC                   FR CH LI AT HU UA          UZ KG    MN    KP    JP
      BZ CU HT DO PR VG AI       AD MC IT SI HR RS RO MD GE AZ TM TJ    CN    KR
   GT HN KY JM    VI SX MF    PT ES SM VA BA ME XK BG    AM IR AF PK NP BT MO HK TW
   SV NI          KN BL AG       GI    MT    AL MK GR TR SY IQ KW    IN BD MM LA VN    MP    UM
      CR    AW CW MS GP DM                            CY LB JO BH QA    LK TH KH PH    GU
      PA       BQ VC LC MQ    EH MA DZ TN LY EG       IL PS SA AE OM MV    MY SG BN PW FM MH
         CO VE TT GD BB    SN MR ML BF NE TD SD ER          YE                ID TL PG SB NR KI
         EC GY SR GF    CV GM GN CI GH BJ NG CF SS ET DJ                CC CX          VU TV TK
         PE    BR          GW SL LR TG    CM CG UG KE SO                            NC FJ WF WS AS
PF          BO PY                   ST GQ GA CD RW TZ       SC    IO             AU       TO NU CK
   PN    CL AR UY                SH       AO ZM BI MW KM                            NF
                                          NA BW ZW MZ YT MG MU                         NZ
               FK                            ZA LS SZ       RE
                     GS             BV                      TF    HM
                                             AQ
"""


def _positions() -> dict[str, tuple[int, int]]:
    found = {}
    for row, line in enumerate(_DRAWN.splitlines()):
        for start in range(0, len(line), 3):
            code = line[start : start + 2]
            if code.strip():
                found[code] = (start // 3, row)
    return found


# Column and row of each country, from the top left.
TILES: Final = _positions()
COLUMNS: Final = 1 + max(column for column, _row in TILES.values())
ROWS: Final = 1 + max(row for _column, row in TILES.values())
